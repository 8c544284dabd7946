import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One command of a document, with the output that the document shows for it. */
export interface ConsoleStep {
  readonly command: string;
  readonly expected: string;
}

/** The steps of all ```console blocks of a Markdown file: `$ command`, `> more`, then its output. */
export function consoleSteps(file: string): ConsoleStep[] {
  const steps: { command: string; expected: string }[] = [];
  for (const [, block = ''] of readFileSync(file, 'utf8').matchAll(/```console\n([^]*?)```/g)) {
    for (const line of block.split('\n')) {
      const last = steps.at(-1);
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: '' });
      else if (last !== undefined && line.startsWith('> ') && last.expected === '') {
        last.command += `\n${line.slice(2)}`;
      } else if (last !== undefined && line !== '') last.expected += `${line}\n`;
    }
  }
  return steps;
}

const MARK = '=== end of step ===';

/**
 * Runs all steps in one shell, as a reader who copies them would; resolves with what each printed.
 * `replace` puts this run's own addresses and paths in place of the document's.
 */
export async function runConsole(
  steps: readonly ConsoleStep[],
  replace: (command: string) => string,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const script = steps.map(({ command }) => `${replace(command)}\necho; echo '${MARK}'\n`).join('');
  const shell = spawn('bash', ['-s'], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  shell.stdin.end(script);
  await new Promise((resolve) => shell.once('exit', resolve));
  return printed.split(`${MARK}\n`).slice(0, steps.length);
}

/** Ids, times and this run's addresses differ from run to run; everything else must be the same. */
export function normalized(output: string): string {
  return output
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/Date: .*/g, 'Date: <date>')
    .replaceAll(/"time":\d+/g, '"time":<ms>')
    .replaceAll(/"durationMs":\d+/g, '"durationMs":<ms>')
    .replaceAll(/"ageMs":\d+/g, '"ageMs":<ms>')
    .replaceAll('\r', '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
