import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Data belongs to the service's user alone. */
const DIRECTORY_MODE = 0o700;

/**
 * Creates a directory and its missing parents. Without Node's `recursive`, which never returns if
 * nothing can be created in an existing parent, such as /proc.
 */
export function makeDirectory(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  const above = dirname(path);
  if (above !== path) makeDirectory(above);
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!existsSync(path) || !statSync(path).isDirectory()) throw error;
  }
}
