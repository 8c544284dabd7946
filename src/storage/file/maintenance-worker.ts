/** The entry of the maintenance thread: one task, one reply, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { dataPaths } from './data-directory.js';
import { DataDirectoryError, StorageFatalError } from './errors.js';
import type { MaintenanceReply, MaintenanceTask } from './maintenance.js';
import { createNodeFileSystem } from './node-file-system.js';
import { checkSealed } from './segment-check.js';
import { foldSnapshot } from './snapshot-write.js';

const job = workerData as MaintenanceTask;
const reply = (message: MaintenanceReply) => parentPort?.postMessage(message);

async function run(): Promise<MaintenanceReply> {
  const deps = { fileSystem: createNodeFileSystem(), paths: dataPaths(job.root) };
  if (job.task === 'check')
    return { kind: 'checked', damage: await checkSealed(deps, job.segments) };
  const onWarning = (message: string) => reply({ kind: 'warning', message });
  const entry = await foldSnapshot({ ...deps, onWarning }, job.manifest);
  return { kind: 'snapshot', entry };
}

/** What kind of error it was does not travel by itself from one thread to another. */
function failure(error: unknown): MaintenanceReply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DataDirectoryError) return { kind: 'damaged', message };
  if (error instanceof StorageFatalError) return { kind: 'fatal', message };
  return { kind: 'failed', message };
}

reply(await run().catch(failure));
