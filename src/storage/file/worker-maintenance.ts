import { Worker } from 'node:worker_threads';
import { DataDirectoryError, StorageFatalError } from './errors.js';
import type { Maintenance, MaintenanceReply, MaintenanceTask } from './maintenance.js';

const ENTRY = new URL('./maintenance-worker.js', import.meta.url);
/** Run from its sources, the service is loaded by tsx, which has to be started in a worker anew. */
const FROM_SOURCES = `import('tsx/esm/api').then((tsx) => (tsx.register(), import('${ENTRY.href}')))`;

function startWorker(workerData: MaintenanceTask): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(ENTRY, { workerData });
  return new Worker(FROM_SOURCES, { eval: true, workerData });
}

/** Does maintenance in a worker thread of its own for each task. */
export function createWorkerMaintenance(
  root: string,
  onWarning: (message: string) => void,
): Maintenance {
  const running = new Set<Worker>();

  function run(job: MaintenanceTask): Promise<MaintenanceReply> {
    return new Promise((resolve, reject) => {
      const worker = startWorker(job);
      running.add(worker);
      worker.on('message', (reply: MaintenanceReply) => {
        if (reply.kind === 'warning') onWarning(reply.message);
        else if (reply.kind === 'damaged') reject(new DataDirectoryError(reply.message));
        else if (reply.kind === 'fatal') reject(new StorageFatalError(reply.message));
        else if (reply.kind === 'failed') reject(new Error(reply.message));
        else resolve(reply);
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        running.delete(worker);
        reject(new Error('the maintenance thread ended without a result'));
      });
    });
  }

  return {
    async snapshot(manifest) {
      const done = await run({ root, task: 'snapshot', manifest });
      if (done.kind !== 'snapshot') throw new Error(`unexpected reply ${done.kind}`);
      return done.entry;
    },
    async check(segments) {
      const done = await run({ root, task: 'check', segments });
      if (done.kind !== 'checked') throw new Error(`unexpected reply ${done.kind}`);
      return done.damage;
    },
    async close() {
      await Promise.all([...running].map((worker) => worker.terminate()));
    },
  };
}
