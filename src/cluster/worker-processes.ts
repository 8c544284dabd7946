import cluster from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { ToPrimary, ToWorker } from './messages.js';

/** A worker process; its id is unique among all that the primary ever started. */
export interface WorkerProcess {
  readonly id: number;
  readonly pid: number;
  /** Does nothing if the process has already ended. */
  send(message: ToWorker): void;
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

export interface WorkerEvents {
  readonly onMessage: (message: ToPrimary) => void;
  /** One of the two is null. */
  readonly onEnd: (code: number | null, signal: string | null) => void;
}

export type StartWorker = (events: WorkerEvents) => WorkerProcess;

/**
 * Starts processes that run `program` and share the ports they listen on. `environment` is added to
 * that of this process.
 */
export function workerProcesses(
  program: string,
  environment: Readonly<Record<string, string>>,
): StartWorker {
  // The primary accepts connections and deals them out: if the workers accepted them, one worker
  // would get most of them.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: program, args: [] });
  return ({ onMessage, onEnd }) => {
    const worker = forked(environment);
    if (worker === undefined) {
      setImmediate(onEnd, 1, null);
      return { id: 0, pid: 0, send: () => undefined, signal: () => undefined };
    }
    closeWhatItDoesNotTake(worker);
    worker.on('message', onMessage);
    worker.on('exit', onEnd);
    // A message was sent while the worker was ending: `exit` follows. Not if it was never started.
    worker.on('error', () => {
      if (worker.process.pid === undefined) onEnd(1, null);
    });
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

/** Undefined: there is no memory for another process. Other causes emit `error`. */
function forked(environment: Readonly<Record<string, string>>) {
  try {
    return cluster.fork(environment);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'spawn') throw error;
    return undefined;
  }
}

interface Closable {
  close(): void;
}

/** The worker that each connection was last dealt to: after a refusal, another one. */
const dealtTo = new WeakMap<Closable, object>();

/**
 * A connection dealt to a worker stays open in the primary until the worker confirms it. If the
 * worker ends before that, Node (20.20) forgets the connection, and its client would wait for ever.
 * At most one is on its way to each worker; it is closed here.
 */
function closeWhatItDoesNotTake(worker: ReturnType<typeof cluster.fork>): void {
  const { process } = worker;
  // It could not be started: `error` follows. (Types do not know.)
  if ((process.send as unknown) === undefined) return;
  const send = process.send.bind(process) as (...sent: unknown[]) => boolean;
  let dealt: Closable | undefined;
  process.send = (...sent: unknown[]) => {
    const [, handle] = sent;
    if (isClosable(handle)) dealtTo.set((dealt = handle), worker);
    return send(...sent);
  };
  // The worker's reply: it has the connection, or refused it and Node deals it out anew. Prepended,
  // because Node's own listener deals the next connection at once.
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

/** Finds a free port, for workers that must all use the same one. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  server.listen({ port: 0, host, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
