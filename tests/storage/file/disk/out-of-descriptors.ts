// out-of-descriptors.ts DIRECTORY: opens it until no descriptor is left, has it made durable, and closes
// what it has opened a little later. Prints what came of it.
import * as fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';

const [, , directory = ''] = process.argv;
const open: number[] = [];
let code: unknown;
function openAll(): number {
  for (let opened = 0; ; opened += 1) {
    try {
      open.push(fs.openSync(directory, 'r'));
    } catch (error) {
      ({ code } = error as NodeJS.ErrnoException);
      return opened;
    }
  }
}
// What has started this program closes some of its own descriptors a little later.
while (openAll() > 0) await pause(200);
let isOver = false;
const syncing = createNodeFileSystem().syncDirectory(directory);
void syncing.then(() => (isOver = true));
await pause(200);
const wasOver = isOver;
for (const descriptor of open) fs.closeSync(descriptor);
await syncing;
console.log(JSON.stringify({ code, wasOver }));
