import type { Worker } from 'node:cluster';
import { startExpiryTimer } from '../application/expiry-timer.js';
import { createInventoryQueries } from '../application/inventory-queries.js';
import { createInventoryService } from '../application/inventory-service.js';
import { callUntraced } from '../application/outgoing-call.js';
import { joinPrimary } from '../cluster/primary-link.js';
import { createCounters, gatherMetrics, metricsOfAll, metricsOfOne } from './metrics.js';
import {
  createResilience,
  createStorageBreaker,
  rateLimitOf,
  readinessFacts,
} from './resilience.js';
import { openCentral } from './central.js';
import { logRecovery, openStorage } from './storage.js';
import type { Config } from '../config.js';
import { closeServer } from '../http/server/close-server.js';
import { createHttpApp } from '../http/http-app.js';
import { listen } from '../http/server/listen.js';
import { watchConnections } from '../http/server/open-connections.js';
import { type Logger, createLogger } from '../observability/logger.js';
import { logRefusedConnections } from '../observability/refused-connections.js';
import { createRequestObserver } from '../observability/request-log.js';
import { createStorageReport } from '../observability/storage-report.js';
import type { Tracing } from '../observability/tracing.js';
import { createKeyedMutex } from '../resilience/keyed-mutex.js';
import { createLeasedMutex } from '../resilience/leased-mutex.js';
import { diskRoomOf } from '../storage/file/disk/free-space.js';
import type { RecoveryFigures } from '../storage/file/file-inventory-repository.js';
import { createNodeFileSystem } from '../storage/file/disk/node-file-system.js';
import { prepareDirectory } from '../storage/file/disk/presence-lock.js';
import { observeSyncs } from '../storage/file/disk/observed-syncs.js';
import { versionOfPackage } from '../package-files.js';
import { type System, createSystem } from '../system.js';

/** Minimum time for the sync worker's last run at a stop, however long requests took, in ms. */
const LAST_RUN_MS_MIN = 1_000;

export interface RunningService {
  readonly url: string;
  readonly version: string;
  /** What was found at start. */
  readonly recovery: RecoveryFigures;
  /** Refuses new work, finishes requests in flight, and marks the stop as clean. */
  stop(): Promise<void>;
  /** Logs an uncaught error, which ends the process. */
  crashed(error: unknown): void;
}

export interface ServiceHooks {
  /** Storage can no longer keep its promises: end the process without another acknowledgement. */
  readonly onFatal: () => void;
  /** Registers a task for the exit of the process, whatever its cause. */
  readonly onExit: (task: () => void) => void;
  /** Stops this process; called when its primary is gone and no client can reach it. */
  readonly stop: () => void;
  /** This process as a worker of a primary; undefined: it is not one. */
  readonly worker: Worker | undefined;
}

/** Builds everything, recovers the data, then listens. `stop` closes it in reverse order. */
export async function startService(given: Config, hooks: ServiceHooks): Promise<RunningService> {
  const system = createSystem();
  // Resolved once: a link that is changed later must not lead this process to another directory.
  const config = { ...given, dataDir: prepareDirectory(given.dataDir) };
  const version = versionOfPackage();
  const { worker } = hooks;
  const {
    logger: log,
    flush,
    writeOut,
  } = createLogger({ level: config.logLevel, worker: worker?.id });
  hooks.onExit(writeOut);
  const counters = createCounters(system, version);
  const report = createStorageReport({
    logger: log,
    metrics: counters.storage,
    onFatal: hooks.onFatal,
  });
  const fileSystem = observeSyncs(createNodeFileSystem(), system.clock, counters.storage.synced);
  const breaker = createStorageBreaker({ config, system, log });
  const storage = await openStorage({ config, system, fileSystem, report, log, breaker });
  const limiter = storage.sharing?.openLimiter(rateLimitOf(config));
  const resilience = createResilience({
    config,
    system,
    log,
    limiter,
    storageBreaker: breaker,
    decidesInTurns: storage.sharing !== undefined,
  });
  const { admission } = resilience;
  const repository = resilience.limit(storage.repository);
  logRecovery(log, config, repository);
  const onFatal = (error: unknown): void => report.fatal(error);
  const tracing = await tracingOf(config, { system, log, version });
  const callOut = tracing?.callOut ?? callUntraced;
  const parts = { config, system, fileSystem, repository, log, onFatal, callOut };
  const central = await openCentral(parts, storage);

  const mutex = createKeyedMutex();
  const service = createInventoryService({
    repository: tracing?.aroundRepository(repository) ?? repository,
    mutex: storage.sharing ? createLeasedMutex(mutex, storage.sharing.leases) : mutex,
    idempotencyTtlMs: config.idempotencyTtlMs,
    idempotencyKeysMax: config.idempotencyKeysMax,
    reservationRetentionMs: config.reservationRetentionMs,
  });
  const expiry = storage.inOneProcess('expiry', async () => {
    const timer = startExpiryTimer({
      timers: system.timers,
      inventory: repository,
      service,
      onError: (error) => log.warn({ err: error }, 'due reservations could not be settled yet'),
    });
    return () => timer.stop();
  });
  const primary = worker && joinPrimary(worker, system.timers);
  const counted = gatherMetrics(counters, () => ({
    repository,
    admission: admission.statistics(),
    sync: central.statistics(),
    disk: () => diskRoomOf(config.dataDir),
    idempotencyKeysMax: config.idempotencyKeysMax,
    sharing: storage.sharing?.statistics(),
    resilience: resilience.statistics(central.resilience()),
  }));
  const logRefused = logRefusedConnections(log, system.timers);
  const connectionRefused = (status: number): void => {
    counters.requests.connectionRefused(status);
    logRefused(status);
  };
  let draining = false;
  const { server, endWaiting } = createHttpApp({
    service,
    queries: createInventoryQueries(repository, service),
    feed: repository,
    central: central.view,
    answeredAt: central.answeredAt,
    now: () => repository.now(),
    system,
    admission,
    readiness: () => readinessFacts({ repository, admission, metrics: counted, sync: central }),
    trustProxy: config.trustProxy,
    observe: createRequestObserver({
      logger: log,
      metrics: counters.requests,
      clock: system.clock,
    }),
    traceRequests: tracing?.traceRequests,
    outcomes: { ...counters.requests, connectionRefused },
    metrics: primary ? metricsOfAll(primary) : metricsOfOne(system.clock, counted),
    mayResetMetrics: config.environment !== 'production',
    version,
    draining: () => draining,
    onInternalError: (error, request) => log.error({ err: error, ...request }, 'internal error'),
  });
  central.serve(server);
  const connections = watchConnections(server, system.clock);
  const url = await listen(server, config);
  log.info({ url, docs: `${url}/docs`, dataDir: config.dataDir }, 'listening');
  flush();
  const { recovery } = repository;
  primary?.answerWith(() => counted.read());
  primary?.ready({ url, version, recovery });
  primary?.onGone(() => {
    log.warn('the primary has ended');
    hooks.stop();
  });

  return {
    url,
    version,
    recovery,
    async stop() {
      log.info('stopping: finishing what is in flight');
      const endMs = system.clock.monotonicMs() + config.shutdownGraceMs;
      draining = true;
      endWaiting();
      central.stopWaiting();
      await closeServer(server, system.timers, {
        graceMs: config.shutdownGraceMs,
        inFlight: () => admission.inFlight(),
        connections,
      });
      await expiry.close();
      await central.close(Math.max(LAST_RUN_MS_MIN, endMs - system.clock.monotonicMs()));
      await storage.close();
      counters.process.stop();
      await tracing?.stop();
      await primary?.leave();
      log.info('stopped');
    },
    crashed: (error) =>
      log.fatal({ err: error }, 'a defect ends the process; nothing acknowledged is lost'),
  };
}

/** Its code is loaded only if an endpoint for spans is configured. */
async function tracingOf(
  { otlpEndpoint: endpoint }: Config,
  { system, log, version }: { system: System; log: Logger; version: string },
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { startTracing } = await import('../observability/tracing.js');
  return startTracing({
    endpoint,
    version,
    timers: system.timers,
    onExportFailed: (error) => log.warn({ err: error }, 'spans are lost: they cannot be sent'),
  });
}
