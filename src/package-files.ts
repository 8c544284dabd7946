import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The package refers to itself by name: the place of this code in it depends on the build. */
const PACKAGE = 'distributed-inventory/package.json';
const require = createRequire(import.meta.url);

export function versionOfPackage(): string {
  const { version } = require(PACKAGE) as { version: string };
  return version;
}

/** `path`: relative to the root of the package. */
export function packageFile(path: string): URL {
  return new URL(path, pathToFileURL(`${dirname(require.resolve(PACKAGE))}/`));
}
