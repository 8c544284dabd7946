import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atExit } from './at-exit.js';
import { settings } from './settings.js';

let root: string | undefined;

/** An empty directory that goes when the run ends. */
export function freshDirectory(name: string): string {
  root ??= makeRoot();
  return mkdtempSync(join(root, `${name}-`));
}

/** Frees room early; at the end everything goes. */
export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function makeRoot(): string {
  mkdirSync(settings.directory, { recursive: true });
  const path = mkdtempSync(join(resolve(settings.directory), 'run-'));
  chmodSync(path, 0o755); // PostgreSQL runs as a user of its own where we are root
  atExit(() => removeDirectory(path));
  return path;
}
