// Started by worker-processes.test.ts: what is told of a worker for which the kernel has no memory.
import { ChildProcess } from 'node:child_process';
import { workerProcesses } from '../../src/cluster/worker-processes.js';

const ENOMEM = -12;
// As libuv reports a fork that fails: Node makes an event of some errors, and throws this one.
const child = new ChildProcess() as unknown as { _handle: object };
Object.assign(Object.getPrototypeOf(child._handle), { spawn: () => ENOMEM });

workerProcesses(
  '/no/such/program',
  {},
)({
  onMessage: () => undefined,
  onEnd: (code, signal) => console.log(JSON.stringify({ code, signal })),
});
