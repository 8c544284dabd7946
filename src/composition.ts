import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { startExpiryTimer } from './application/expiry-timer.js';
import { createInventoryQueries } from './application/inventory-queries.js';
import { createInventoryService } from './application/inventory-service.js';
import { createRecordClock } from './application/record-clock.js';
import type { Config } from './config.js';
import { createHttpApp } from './http/http-app.js';
import { type Logger, createLogger } from './observability/logger.js';
import { createRequestLogger } from './observability/request-log.js';
import { createKeyedMutex } from './resilience/keyed-mutex.js';
import {
  type FileInventoryRepository,
  type StorageReport,
  openFileInventoryRepository,
} from './storage/file/file-inventory-repository.js';
import { createNodeFileSystem } from './storage/file/node-file-system.js';
import {
  type PresenceLock,
  prepareDirectory,
  takePresenceLock,
} from './storage/file/presence-lock.js';
import { createWorkerMaintenance } from './storage/file/worker-maintenance.js';
import { type System, createSystem } from './system.js';

/**
 * The least size of the log between two snapshots, in bytes: some 60,000 events, which a start
 * folds in about a second. A smaller one costs more in threads started than it saves.
 */
const SNAPSHOT_LOG_BYTES_MIN = 32 * 1024 * 1024;

export interface RunningService {
  readonly url: string;
  /** Refuses new work, finishes what is in flight, marks the stop as clean. */
  stop(): Promise<void>;
}

export interface ServiceHooks {
  /** Storage can keep no further promise: end the process without another acknowledgement. */
  readonly onFatal: () => void;
}

/** Builds everything, recovers the data, then listens. What was opened is closed in reverse. */
export async function startService(config: Config, hooks: ServiceHooks): Promise<RunningService> {
  const system = createSystem();
  const { logger: log, flush } = createLogger({ level: config.logLevel });
  const directory = prepareDirectory(config.dataDir);
  const presence = takePresenceLock(directory);
  const report = reportTo(log, flush, hooks);
  const repository = await openRepository({ config, system, report, log, presence });
  logRecovery(log, config, repository);

  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: config.idempotencyTtlMs,
    idempotencyKeysMax: config.idempotencyKeysMax,
    reservationRetentionMs: config.reservationRetentionMs,
  });
  const expiry = startExpiryTimer({
    timers: system.timers,
    inventory: repository,
    service,
    onError: (error) => log.warn({ err: error }, 'due reservations could not be settled yet'),
  });
  let draining = false;
  const server = createHttpApp({
    service,
    queries: createInventoryQueries(repository, service),
    feed: repository,
    now: () => repository.now(),
    system,
    requestLogger: createRequestLogger(log),
    version: versionOfPackage(),
    draining: () => draining,
    onInternalError: (error, request) => log.error({ err: error, ...request }, 'a defect'),
  });
  const url = await listen(server, config);
  log.info({ url, dataDir: config.dataDir }, 'listening');
  flush();

  return {
    url,
    async stop() {
      log.info('stopping: finishing what is in flight');
      draining = true;
      await closeServer(server, system, config.shutdownGraceMs);
      await expiry.stop();
      await repository.close();
      presence.release();
      log.info('stopped clean');
      flush();
    },
  };
}

function openRepository(deps: {
  readonly config: Config;
  readonly system: System;
  readonly report: StorageReport;
  readonly log: Logger;
  readonly presence: PresenceLock;
}): Promise<FileInventoryRepository> {
  const { config, system, report, log, presence } = deps;
  const root = config.dataDir;
  return openFileInventoryRepository({
    root,
    system,
    report,
    presence,
    fileSystem: createNodeFileSystem(),
    recordClock: createRecordClock(system.clock, (jump) =>
      log.warn(jump, 'the wall clock jumped; record time goes on by the monotonic clock'),
    ),
    maintenance: createWorkerMaintenance(root),
    snapshotPolicy: {
      everyEvents: config.snapshotEveryEvents,
      logBytesMin: SNAPSHOT_LOG_BYTES_MIN,
    },
    snapshotRetry: { baseMs: config.retryBaseMs, times: config.retryTimes },
  });
}

function reportTo(log: Logger, flush: () => void, hooks: ServiceHooks): StorageReport {
  return {
    warning: (message) => log.warn(message),
    writable: (problem) => {
      if (problem === undefined) log.info('writes are taken again');
      else log.error({ err: problem }, 'writes are refused (503), reads go on; free disk space');
    },
    snapshot: (made) => log.info(made, 'snapshot made'),
    fatal: (error) => {
      log.fatal(
        { err: error },
        'storage cannot keep its promise and the process ends without acknowledging anything ' +
          'more: check the disk, then start again; the start recovers what was acknowledged',
      );
      flush();
      hooks.onFatal();
    },
  };
}

function logRecovery(
  log: Logger,
  { dataDir }: Config,
  { recovery }: FileInventoryRepository,
): void {
  const figures = { ...recovery, durationMs: Math.round(recovery.durationMs), dataDir };
  if (recovery.tornBytes > 0) log.warn(figures, 'recovered; a torn tail is kept in quarantine/');
  else log.info(figures, 'recovered');
}

async function listen(server: Server, { host, port }: Config): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const { address, family, port: bound } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
}

/** Connections that wait for nothing are closed; those in use get until the grace ends. */
async function closeServer(server: Server, system: System, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cancel = system.timers.after(graceMs, () => server.closeAllConnections());
  await closed;
  cancel();
}

function versionOfPackage(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
