import { spawnSync } from 'node:child_process';

/**
 * What `promtool ARGUMENTS` finds wrong, as it prints it; undefined where it is not installed here
 * (it comes with Debian's package `prometheus`).
 */
export function promtoolFaults(args: readonly string[], input = ''): string | undefined {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, {
    input,
    encoding: 'utf8',
  });
  if (error !== undefined) {
    if ('code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** For `it.skipIf`: a check that is left out is said so. */
export function promtoolIsMissing(): boolean {
  if (promtoolFaults(['--version']) !== undefined) return false;
  console.warn('NOTICE: promtool is not installed: metrics and alert rules go unchecked by it');
  return true;
}
