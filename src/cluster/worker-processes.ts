import cluster from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { ToPrimary, ToWorker } from './messages.js';

/** A process that serves; it has a number of its own among all that the primary ever started. */
export interface WorkerProcess {
  readonly id: number;
  readonly pid: number;
  /** Nothing happens where it has ended already. */
  send(message: ToWorker): void;
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

export interface WorkerEvents {
  readonly onMessage: (message: ToPrimary) => void;
  /** One of both is null. */
  readonly onEnd: (code: number | null, signal: string | null) => void;
}

export type StartWorker = (events: WorkerEvents) => WorkerProcess;

/**
 * Starts processes of `program`, which share the ports that they listen on. `environment` is added
 * to that of this process.
 */
export function workerProcesses(
  program: string,
  environment: Readonly<Record<string, string>>,
): StartWorker {
  // The primary takes connections and deals them out: workers that take them by themselves would
  // leave most to one of them.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: program, args: [] });
  return ({ onMessage, onEnd }) => {
    const worker = cluster.fork(environment);
    closeWhatItDoesNotTake(worker);
    worker.on('message', onMessage);
    worker.on('exit', onEnd);
    // What was sent to one that was ending just then; its end is what is heard of it next.
    worker.on('error', () => undefined);
    return {
      id: worker.id,
      pid: worker.process.pid ?? 0,
      send(message) {
        if (worker.isConnected()) worker.send(message, () => undefined);
      },
      signal: (name) => void worker.process.kill(name),
    };
  };
}

interface Closable {
  close(): void;
}

/** Whom each connection was dealt to last: one that refuses it leaves it to another. */
const dealtTo = new WeakMap<Closable, object>();

/**
 * A connection that was dealt to a worker stays open here until the worker says that it has it.
 * Node (20.20) forgets such a connection when the worker ends before: its client would wait for
 * ever. One is on its way to a worker at a time; that one is closed.
 */
function closeWhatItDoesNotTake(worker: ReturnType<typeof cluster.fork>): void {
  const { process } = worker;
  const send = process.send.bind(process) as (...sent: unknown[]) => boolean;
  let dealt: Closable | undefined;
  process.send = (...sent: unknown[]) => {
    const [, handle] = sent;
    if (isClosable(handle)) dealtTo.set((dealt = handle), worker);
    return send(...sent);
  };
  // Said of the one that was dealt: it has it, or has refused it, and Node deals it out anew. Before
  // Node hears of it, which deals the next one at once.
  process.prependListener('internalMessage', ({ accepted }: { readonly accepted?: boolean }) => {
    if (accepted !== undefined) dealt = undefined;
  });
  worker.on('exit', () => {
    if (dealt !== undefined && dealtTo.get(dealt) === worker) dealt.close();
  });
}

function isClosable(handle: unknown): handle is Closable {
  return typeof handle === 'object' && handle !== null && 'close' in handle;
}

/** Any port that is free, for workers that must all have the same one. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  server.listen({ port: 0, host, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
