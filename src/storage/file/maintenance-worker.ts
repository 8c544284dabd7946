/** The entry of the maintenance thread: one task, one reply, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { dataPaths } from './data-directory.js';
import type { MaintenanceReply, MaintenanceTask } from './maintenance.js';
import { createNodeFileSystem } from './node-file-system.js';
import { checkSealed } from './segment-check.js';
import { foldSnapshot } from './snapshot-write.js';

const job = workerData as MaintenanceTask;
const reply = (message: MaintenanceReply) => parentPort?.postMessage(message);
const fileSystem = createNodeFileSystem();
const paths = dataPaths(job.root);

if (job.task === 'check') {
  reply({ kind: 'checked', damage: await checkSealed({ fileSystem, paths }, job.segments) });
} else {
  const onWarning = (message: string) => reply({ kind: 'warning', message });
  const entry = await foldSnapshot({ fileSystem, paths, onWarning }, job.manifest);
  reply({ kind: 'snapshot', entry });
}
