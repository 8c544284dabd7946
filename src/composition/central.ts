import { chmodSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { type Server as SocketServer, createServer } from 'node:net';
import type { CentralView, SyncStatistics } from '../application/sync-control.js';
import { type RunningSync, type SyncParts, openSync } from './sync.js';
import { UnavailableError } from '../domain/errors.js';
import { type AnsweredAt, acceptForwarded } from '../http/server/forwarding.js';
import type { ResilienceStatistics } from '../observability/resilience-metrics.js';
import { DataDirectoryError } from '../storage/file/disk/errors.js';
import type { FileStorage } from '../storage/file/file-storage.js';
import { errorCode } from '../storage/file/disk/file-system.js';
import { OWN_LOG } from '../sync/log-source.js';

/** unix(7): the path of a socket has 108 bytes, including the final 0. */
const SOCKET_PATH_BYTES_MAX = 107;
const NOT_HERE_RETRY_MS = 1_000;
const OPEN_AGAIN_MS = 1_000;
const OPEN_AGAIN_MS_MAX = 60_000;
const NO_RESILIENCE: ResilienceStatistics = { circuitBreakers: {}, bulkheads: {} };

/** This process's access to the central view: its own, or by way of the process that holds it. */
export interface Central {
  readonly view: CentralView;
  /** Undefined: the view is always in this process. */
  readonly answeredAt: AnsweredAt | undefined;
  /** Lets other processes forward requests to this server while the view is in this process. */
  serve(server: Server): void;
  /** Undefined: another process holds the view. */
  statistics(): SyncStatistics | undefined;
  resilience(): ResilienceStatistics;
  stopWaiting(): void;
  close(graceMs: number): Promise<void>;
}

export function openCentral(parts: SyncParts, storage: FileStorage): Promise<Central> {
  return storage.sharing === undefined ? ownCentral(parts) : sharedCentral(parts, storage);
}

/**
 * For a process that has the directory alone. If the view cannot be opened (no disk space, say),
 * the inventory is served all the same: opening is retried, and until it succeeds the sources count
 * as down. Rejects if the data contradict each other.
 */
async function ownCentral(parts: SyncParts): Promise<Central> {
  const { log, onFatal } = parts;
  const { timers } = parts.system;
  let sync: RunningSync | undefined;
  let failures = 0;
  let isClosing = false;
  let cancel = (): void => undefined;

  async function open(): Promise<void> {
    try {
      sync = await openSync(parts);
      if (failures > 0) log.info('the central view is open');
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      if (failures === 0) log.warn({ err: error }, 'the central view cannot be opened yet');
      const afterMs = Math.min(OPEN_AGAIN_MS_MAX, OPEN_AGAIN_MS * 2 ** failures);
      failures += 1;
      if (!isClosing) cancel = timers.after(afterMs, again);
    }
  }

  function again(): void {
    opening = open().catch(onFatal);
  }

  let opening = open();
  await opening;
  return {
    view: viewOf(() => sync),
    answeredAt: undefined,
    serve: () => undefined,
    statistics: () => sync?.worker.statistics() ?? unopened(parts),
    resilience: () => sync?.resilience() ?? NO_RESILIENCE,
    stopWaiting: () => sync?.queries.stopWaiting(),
    async close(graceMs) {
      isClosing = true;
      cancel();
      await opening;
      await sync?.close(graceMs);
    },
  };
}

/** Statistics of a view that is not open: nothing is folded, and no source can be. */
function unopened({ config }: SyncParts): SyncStatistics {
  const names = config.syncSources.map(({ name }) => name);
  const down = { sequence: 0, lag: 0, ageMs: undefined, up: false };
  return {
    running: false,
    runs: 0,
    failedRuns: 0,
    eventsFolded: 0,
    linesFolded: 0,
    duplicatesSkipped: 0,
    lettersOpened: 0,
    lettersOpen: 0,
    records: 0,
    lag: 0,
    lastRunDurationMs: 0,
    sources: (names.length === 0 ? [OWN_LOG] : names).map((name) => ({ name, ...down })),
  };
}

/** `get` returns undefined while the view is not open in this process. */
function viewOf(get: () => RunningSync | undefined): CentralView {
  function here(): RunningSync {
    const sync = get();
    if (sync === undefined) throw new UnavailableError('aggregate-behind', NOT_HERE_RETRY_MS);
    return sync;
  }

  return {
    worker: {
      runNow: () => here().worker.runNow(),
      status: () => here().worker.status(),
      statistics: () => here().worker.statistics(),
      start: (intervalMs) => here().worker.start(intervalMs),
      stop: () => here().worker.stop(),
    },
    desk: {
      list: (page) => here().desk.list(page),
      retry: (id) => here().desk.retry(id),
      discard: (id, note) => here().desk.discard(id, note),
    },
    queries: {
      knows: (source) => here().queries.knows(source),
      sku: (sku, wanted) => here().queries.sku(sku, wanted),
    },
  };
}

/** One of several processes holds the view, and serves the others on a socket in the directory. */
async function sharedCentral(parts: SyncParts, storage: FileStorage): Promise<Central> {
  const { config, repository } = parts;
  const socketPath = `${config.dataDir}/central.sock`;
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    throw new DataDirectoryError(
      `${config.dataDir} has too long a name for LOCKS_ENABLED=true: ` +
        `${socketPath} may have at most ${SOCKET_PATH_BYTES_MAX} bytes`,
    );
  }
  let sync: RunningSync | undefined;
  /** Also after it was closed: its counts are in the last reading of this process. */
  let last: RunningSync | undefined;
  let server: Server | undefined;
  let graceMs = 0;

  const role = storage.inOneProcess('central', async () => {
    // Catches up with the log: what the last holder folded is durable, and must be known here, too.
    await repository.nextExpiry();
    const mine = await openSync(parts);
    let socket: SocketServer;
    try {
      socket = await listenFor(socketPath, () => server);
    } catch (error) {
      // Another process may get the role next: two of them must not have the files open.
      await mine.close(0);
      throw error;
    }
    sync = last = mine;
    return async () => {
      sync = undefined;
      socket.close();
      rmSync(socketPath, { force: true });
      await mine.close(graceMs);
    };
  });

  return {
    view: viewOf(() => sync),
    answeredAt: () => (sync === undefined ? socketPath : undefined),
    serve: (served) => (server = served),
    statistics: () => last?.worker.statistics(),
    resilience: () => last?.resilience() ?? NO_RESILIENCE,
    stopWaiting: () => sync?.queries.stopWaiting(),
    close(ownGraceMs) {
      graceMs = ownGraceMs;
      return role.close();
    },
  };
}

/** Only the process that has the role listens there, so a socket that is left over is stale. */
function listenFor(path: string, server: () => Server | undefined): Promise<SocketServer> {
  rmSync(path, { force: true });
  const listening = createServer((socket) => {
    const served = server();
    if (served === undefined) socket.destroy();
    else acceptForwarded(served, socket);
  });
  return new Promise((resolve, reject) => {
    listening.once('error', reject);
    // Exclusive: else the primary would listen, and deal the connections out to all workers.
    listening.listen({ path, exclusive: true }, () => {
      // Requests that arrive here are trusted as forwarded by another process of ours.
      chmodSync(path, 0o600);
      resolve(listening);
    });
  });
}
