import { type ExpiryTimer, startExpiryTimer } from '../../src/application/expiry-timer.js';
import {
  type InventoryQueries,
  createInventoryQueries,
} from '../../src/application/inventory-queries.js';
import {
  type InventoryService,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { UnavailableError } from '../../src/domain/errors.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import {
  type FileInventoryRepository,
  openFileInventoryRepository,
} from '../../src/storage/file/file-inventory-repository.js';
import { type BreakerPolicy, createCircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import { createInProcessSegmentChecker } from '../support/in-process-segment-checker.js';
import { type Said, nothingSaid } from '../support/test-storage.js';
import type { SimulatedTime } from './simulated-time.js';

const BREAKER: BreakerPolicy = { threshold: 0.5, cooldownMs: 5_000, window: 10, callsMin: 5 };

export const ROOT = '/data/inventory';
/** Rotations and snapshots all the time. */
const SNAPSHOT_POLICY = { everyEvents: 20, logBytesMin: 1_024 };
const IDEMPOTENCY_TTL_MS = 20_000;
const RESERVATION_RETENTION_MS = 1_000;

/** The whole service but its HTTP, as composition/start-service.ts wires it, in a world of its own. */
export interface SimulatedService {
  readonly repository: FileInventoryRepository;
  readonly service: InventoryService;
  readonly queries: InventoryQueries;
  readonly said: Said;
  /** Every durable event. */
  events(): Promise<readonly InventoryEvent[]>;
  stop(): Promise<void>;
}

export interface SimulatedServiceDeps {
  readonly fileSystem: FileSystem;
  readonly time: SimulatedTime;
  readonly ids: { next(): string };
  /** Where the process would end. */
  readonly onFatal: () => void;
  /** Of the defects that nothing survives. */
  readonly onDefect: (error: unknown) => void;
}

export async function openSimulatedService(deps: SimulatedServiceDeps): Promise<SimulatedService> {
  const { fileSystem, time, ids, onFatal, onDefect } = deps;
  const said = nothingSaid();
  const warning = (message: string) => void said.warnings.push(message);
  const { clock, timers } = time;
  const repository = await openFileInventoryRepository({
    root: ROOT,
    fileSystem,
    snapshotPolicy: SNAPSHOT_POLICY,
    system: { clock, timers, ids, random: { next: () => 0.5 } },
    breaker: createCircuitBreaker(BREAKER, clock),
    snapshotRetry: { baseMs: 100, times: 3 },
    recordClock: createRecordClock(clock, () => undefined),
    segmentChecker: createInProcessSegmentChecker(ROOT, fileSystem),
    report: {
      warning,
      writable: (problem) => void said.writable.push(problem),
      snapshot: ({ sequence }) => void said.snapshots.push(sequence),
      committed: (events) => void said.committed.push(events.length),
      fatal(error) {
        said.fatal.push(error);
        onFatal();
      },
    },
  });
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: IDEMPOTENCY_TTL_MS,
    idempotencyKeysMax: 1_000_000,
    reservationRetentionMs: RESERVATION_RETENTION_MS,
  });
  const expiry: ExpiryTimer = startExpiryTimer({
    timers,
    inventory: repository,
    service,
    onError(error) {
      if (!(error instanceof UnavailableError)) onDefect(error);
    },
  });
  return {
    repository,
    service,
    said,
    queries: createInventoryQueries(repository, service),
    events: () => allEvents(repository),
    async stop() {
      await expiry.stop();
      await repository.close();
    },
  };
}

async function allEvents(repository: FileInventoryRepository): Promise<readonly InventoryEvent[]> {
  const events: InventoryEvent[] = [];
  for (;;) {
    const more = await repository.eventsAfter(events.length, 1_000);
    if (more.length === 0) return events;
    events.push(...more);
  }
}
