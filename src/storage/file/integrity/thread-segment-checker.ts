import { Worker } from 'node:worker_threads';
import { packageFile } from '../../../package-files.js';
import type { SegmentChecker, CheckReply, CheckTask } from './segment-checker.js';

const SOURCE = new URL('./check-thread.ts', import.meta.url);
/** A service that runs from its sources is loaded by tsx, which each worker must register again. */
const FROM_SOURCES = `import('tsx/esm/api').then((tsx) => (tsx.register(), import('${SOURCE.href}')))`;

function startWorker(workerData: CheckTask): Worker {
  if (import.meta.url.endsWith('.ts')) return new Worker(FROM_SOURCES, { eval: true, workerData });
  return new Worker(packageFile('dist/storage/file/integrity/check-thread.js'), { workerData });
}

/** Runs each check in a worker thread of its own. */
export function createThreadSegmentChecker(root: string): SegmentChecker {
  const running = new Set<Worker>();

  return {
    check(segments) {
      return new Promise((resolve, reject) => {
        const worker = startWorker({ root, segments });
        running.add(worker);
        worker.on('message', (reply: CheckReply) => {
          if (reply.kind === 'checked') resolve(reply.damage);
          else reject(new Error(reply.message));
        });
        worker.on('error', reject);
        worker.on('exit', () => {
          running.delete(worker);
          reject(new Error('the thread of the check ended without a result'));
        });
      });
    },
    async close() {
      await Promise.all([...running].map((worker) => worker.terminate()));
    },
  };
}
