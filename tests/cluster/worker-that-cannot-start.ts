// Started by worker-processes.test.ts: what is told of a worker that the system cannot start.
import cluster from 'node:cluster';
import { workerProcesses } from '../../src/cluster/worker-processes.js';

const startWorker = workerProcesses('/no/such/program', {});
cluster.setupPrimary({ cwd: '/no/such/directory' });
startWorker({
  onMessage: () => undefined,
  onEnd: (code, signal) => console.log(JSON.stringify({ code, signal })),
});
