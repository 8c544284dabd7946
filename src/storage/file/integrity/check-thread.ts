/** The entry point of a thread that checks segments: one task, one reply, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { dataPaths } from '../disk/data-directory.js';
import type { CheckReply, CheckTask } from './segment-checker.js';
import { createNodeFileSystem } from '../disk/node-file-system.js';
import { checkSealed } from './segment-check.js';

async function run({ root, segments }: CheckTask): Promise<CheckReply> {
  const deps = { fileSystem: createNodeFileSystem(), paths: dataPaths(root) };
  try {
    return { kind: 'checked', damage: await checkSealed(deps, segments) };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.postMessage(await run(workerData as CheckTask));
