import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Data belongs to the service's user alone. */
const DIRECTORY_MODE = 0o700;

/**
 * Makes a directory, and those above it, where there is none. Not by Node's `recursive`, which never
 * returns where nothing can be made in a directory that exists, such as /proc.
 */
export function makeDirectory(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  const above = dirname(path);
  if (above !== path) makeDirectory(above);
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path) || !statSync(path).isDirectory()) throw error;
  }
}
