import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The package names itself: where this code lies in it is up to the build. */
const PACKAGE = 'distributed-inventory/package.json';
const require = createRequire(import.meta.url);

export function versionOfPackage(): string {
  const { version } = require(PACKAGE) as { version: string };
  return version;
}

/** `path`: from the root of the package. */
export function packageFile(path: string): URL {
  return new URL(path, pathToFileURL(`${dirname(require.resolve(PACKAGE))}/`));
}
