import {
  type InventoryService,
  type KeyedRequest,
  type Outcome,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import type { Command } from '../../src/domain/commands.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { type BreakerPolicy, createCircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import type { RetryPolicy } from '../../src/resilience/retry.js';
import {
  type FileInventoryRepository,
  type FileRepositoryDeps,
  openFileInventoryRepository,
} from '../../src/storage/file/file-inventory-repository.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import type { SegmentChecker } from '../../src/storage/file/integrity/segment-checker.js';
import type { SnapshotPolicy } from '../../src/storage/file/snapshot/snapshot-policy.js';
import { createInProcessSegmentChecker } from './in-process-segment-checker.js';
import { type SimulatedSystem, createSimulatedSystem } from './simulated-system.js';

/** What storage said to the operator. */
export interface Said {
  readonly warnings: string[];
  /** Problems, and `undefined` where writes were taken again. */
  readonly writable: unknown[];
  readonly snapshots: number[];
  /** How many events each batch had that became durable. */
  readonly committed: number[];
  readonly fatal: unknown[];
}

export interface TestStorage {
  readonly repository: FileInventoryRepository;
  readonly service: InventoryService;
  readonly system: SimulatedSystem;
  readonly said: Said;
  /** Adds units to a record of store S1. */
  adjust(sku: string, delta: number, key?: string): Promise<Outcome>;
  /** Every durable event. */
  events(): Promise<readonly InventoryEvent[]>;
}

export interface TestStorageOptions {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly system?: SimulatedSystem;
  readonly policy?: SnapshotPolicy;
  readonly retry?: RetryPolicy;
  readonly breaker?: BreakerPolicy;
  readonly said?: Said;
  readonly presence?: FileRepositoryDeps['presence'];
  /** In place of that in this thread. */
  readonly segmentChecker?: SegmentChecker;
  /** Where a process would end. */
  readonly onFatal?: () => void;
}

/** No rotation and no snapshot, unless asked for. */
const NEVER: SnapshotPolicy = { everyEvents: 1e9, logBytesMin: 1e9 };
const SHORT: BreakerPolicy = { threshold: 0.5, cooldownMs: 1_000, window: 10, callsMin: 5 };
const ONCE: RetryPolicy = { baseMs: 1, times: 0 };

/** The real repository and the real service, on any file system; segments are checked in this thread. */
export async function openTestStorage(options: TestStorageOptions): Promise<TestStorage> {
  const { root, fileSystem, system = createSimulatedSystem(), policy = NEVER } = options;
  const said = options.said ?? nothingSaid();
  const onWarning = (message: string) => void said.warnings.push(message);
  const repository = await openFileInventoryRepository({
    root,
    fileSystem,
    system,
    snapshotPolicy: policy,
    snapshotRetry: options.retry ?? ONCE,
    breaker: createCircuitBreaker(options.breaker ?? SHORT, system.clock),
    recordClock: createRecordClock(system.clock, () => undefined),
    segmentChecker: options.segmentChecker ?? createInProcessSegmentChecker(root, fileSystem),
    ...(options.presence && { presence: options.presence }),
    report: {
      warning: onWarning,
      writable: (problem) => void said.writable.push(problem),
      snapshot: ({ sequence }) => void said.snapshots.push(sequence),
      committed: (events) => void said.committed.push(events.length),
      fatal(error) {
        said.fatal.push(error);
        options.onFatal?.();
      },
    },
  });
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 3_600_000,
    idempotencyKeysMax: 1_000_000,
    reservationRetentionMs: 1_000,
  });
  return {
    repository,
    service,
    system,
    said,
    adjust(sku, delta, key) {
      const command: Command = { type: 'AdjustStock', storeId: 'S1', sku, delta };
      return service.execute(command, key === undefined ? undefined : keyedRequest(key));
    },
    events: () => allEvents(repository),
  };
}

export function nothingSaid(): Said {
  return { warnings: [], writable: [], snapshots: [], committed: [], fatal: [] };
}

export function keyedRequest(key: string): KeyedRequest {
  return { key, fingerprint: `fingerprint-of-${key}`, requestId: `r-${key}`, instance: '/test' };
}

async function allEvents(repository: FileInventoryRepository): Promise<readonly InventoryEvent[]> {
  const events: InventoryEvent[] = [];
  for (;;) {
    const more = await repository.eventsAfter(events.length, 100);
    if (more.length === 0) return events;
    events.push(...more);
  }
}
