import { chmodSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { type Server as SocketServer, createServer } from 'node:net';
import type { CentralView, SyncStatistics } from './application/sync-control.js';
import { type RunningSync, type SyncParts, openSync } from './composition-sync.js';
import { UnavailableError } from './domain/errors.js';
import { type AnsweredAt, acceptForwarded } from './http/server/forwarding.js';
import type { ResilienceStatistics } from './observability/resilience-metrics.js';
import { DataDirectoryError } from './storage/file/disk/errors.js';
import type { FileStorage } from './storage/file/file-storage.js';
import { errorCode } from './storage/file/disk/file-system.js';
import { OWN_LOG } from './sync/log-source.js';

/** unix(7): a socket's path has 108 bytes, the last of them 0. */
const SOCKET_PATH_BYTES_MAX = 107;
const NOT_HERE_RETRY_MS = 1_000;
const OPEN_AGAIN_MS = 1_000;
const OPEN_AGAIN_MS_MAX = 60_000;
const NO_RESILIENCE: ResilienceStatistics = { circuitBreakers: {}, bulkheads: {} };

/** The central view, as this process has it: by itself, or by way of the one that has it for all. */
export interface Central {
  readonly view: CentralView;
  /** Undefined: always here. */
  readonly answeredAt: AnsweredAt | undefined;
  /** Lets other processes hand their requests to this server, while the view is here. */
  serve(server: Server): void;
  /** Undefined: another process has it. */
  statistics(): SyncStatistics | undefined;
  resilience(): ResilienceStatistics;
  stopWaiting(): void;
  close(graceMs: number): Promise<void>;
}

export function openCentral(parts: SyncParts, storage: FileStorage): Promise<Central> {
  return storage.sharing === undefined ? ownCentral(parts) : sharedCentral(parts, storage);
}

/**
 * Here alone. What cannot be opened, for want of room say, keeps nobody from the inventory: it is tried
 * again, and until then counts as failing. Rejects where the data contradict each other.
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

/** Nothing is folded, and no source can be. */
function unopened({ config }: SyncParts): SyncStatistics {
  const names = config.syncSources.map(({ name }) => name);
  const down = { sequence: 0, lag: 0, ageMs: undefined, up: false };
  return {
    ...{ running: false, runs: 0, failedRuns: 0, eventsFolded: 0, linesFolded: 0 },
    ...{ duplicatesSkipped: 0, lettersOpened: 0, lettersOpen: 0, records: 0, lag: 0 },
    lastRunDurationMs: 0,
    sources: (names.length === 0 ? [OWN_LOG] : names).map((name) => ({ name, ...down })),
  };
}

/** `get`: undefined while the view is not here. */
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

/** In one process of all, which answers for the others on a socket in the directory. */
async function sharedCentral(parts: SyncParts, storage: FileStorage): Promise<Central> {
  const { config, repository } = parts;
  const socketPath = `${config.dataDir}/central.sock`;
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    throw new DataDirectoryError(
      `${config.dataDir} has too long a name for LOCKS_ENABLED=true: ` +
        `${socketPath} may have ${SOCKET_PATH_BYTES_MAX} bytes at the most`,
    );
  }
  let sync: RunningSync | undefined;
  let server: Server | undefined;
  let graceMs = 0;

  const role = storage.inOneProcess('central', async () => {
    // What its last holder has folded is durable: this process must know of it, too.
    await repository.nextExpiry();
    const mine = await openSync(parts);
    let socket: SocketServer;
    try {
      socket = await listenFor(socketPath, () => server);
    } catch (error) {
      // Somebody else may get the role next: there must not be two of them at the files.
      await mine.close(0);
      throw error;
    }
    sync = mine;
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
    statistics: () => sync?.worker.statistics(),
    resilience: () => sync?.resilience() ?? NO_RESILIENCE,
    stopWaiting: () => sync?.queries.stopWaiting(),
    close(ownGraceMs) {
      graceMs = ownGraceMs;
      return role.close();
    },
  };
}

/** Only whoever has the role listens there: what is left of another one's socket is nobody's. */
function listenFor(path: string, server: () => Server | undefined): Promise<SocketServer> {
  rmSync(path, { force: true });
  const listening = createServer((socket) => {
    const served = server();
    if (served === undefined) socket.destroy();
    else acceptForwarded(served, socket);
  });
  return new Promise((resolve, reject) => {
    listening.once('error', reject);
    // Exclusive: else the primary of several workers would listen, and deal out to all of them.
    listening.listen({ path, exclusive: true }, () => {
      // What comes here counts as handed over by another process of ours.
      chmodSync(path, 0o600);
      resolve(listening);
    });
  });
}
