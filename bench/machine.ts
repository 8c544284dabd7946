import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { settings } from './settings.js';

/** On what, and of which version, the figures are. */
export function whereAndWhen(): string {
  const [first] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return (
    `${first?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${gigabytes} GB, ` +
    `Linux ${release()}, ${fileSystem()}, load average before ${loadavg()[0]?.toFixed(1)}; ` +
    `Node ${process.version.slice(1)}; commit ${commit()}; ${new Date().toISOString().slice(0, 10)}`
  );
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--', 'src', 'package.json', 'bench') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** Of the disk that is measured. */
function fileSystem(): string {
  mkdirSync(settings.directory, { recursive: true });
  const line = execFileSync('df', ['--output=fstype', settings.directory], { encoding: 'utf8' });
  return line.trim().split('\n').at(-1) ?? 'unknown file system';
}
