import type { InventoryEvent } from '../domain/events.js';
import { Histogram } from './histogram.js';
import { type MetricFamily, byLabel, counter, gauge, histogram } from './metric-family.js';

/** Counts of the storage. */
export interface StorageMetrics {
  /** A batch became durable, `durationMs` after it was handed to the log. */
  committed(events: readonly InventoryEvent[], durationMs: number): void;
  /** A sync of any file returned. */
  synced(durationMs: number): void;
  snapshotMade(snapshot: { readonly sequence: number; readonly bytes: number }): void;
  writable(yes: boolean): void;
  warned(): void;
  collect(now: StorageStatistics): readonly MetricFamily[];
}

/** Present figures of the storage. */
export interface StorageStatistics {
  readonly durableSequence: number;
  readonly records: number;
  readonly reservations: number;
  readonly idempotencyKeys: number;
  readonly pendingEvents: number;
  readonly pendingWeight: number;
  readonly idempotencyKeysMax: number;
  /** The file system that holds the log. */
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number };
  readonly recovery: { readonly durationMs: number; readonly replayed: number };
}

const BATCH_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

export function createStorageMetrics(): StorageMetrics {
  const events = new Map<string, number>();
  const batchSizes = new Histogram(BATCH_BOUNDS);
  const commits = new Histogram();
  const syncs = new Histogram();
  const snapshot = { made: 0, sequence: 0, bytes: 0 };
  let warnings = 0;
  let isWritable = true;

  return {
    committed(batch, durationMs) {
      for (const { type } of batch) events.set(type, (events.get(type) ?? 0) + 1);
      batchSizes.observe(batch.length);
      commits.observe(durationMs / 1_000);
    },
    synced: (durationMs) => syncs.observe(durationMs / 1_000),
    snapshotMade({ sequence, bytes }) {
      snapshot.made += 1;
      Object.assign(snapshot, { sequence, bytes });
    },
    writable: (yes) => (isWritable = yes),
    warned: () => (warnings += 1),
    collect: (now) => [
      counter('inventory_events_total', 'Events made durable, by type.', byLabel('type', events)),
      histogram('inventory_group_commit_events', 'Events made durable with one sync.', [
        batchSizes.sample(),
      ]),
      histogram(
        'inventory_group_commit_duration_seconds',
        'From handing a batch to the log until it is durable: encoding, write, sync, watermark.',
        [commits.sample()],
      ),
      histogram('inventory_fdatasync_duration_seconds', 'Duration of one fdatasync.', [
        syncs.sample(),
      ]),
      gauge('inventory_queue_events', 'Events that wait for the disk.', now.pendingEvents),
      gauge(
        'inventory_queue_weight',
        'Weight of the events that wait for the disk: lines, operations and reservations count, too; at 100000 new writes are refused (503 overloaded).',
        now.pendingWeight,
        'each',
      ),
      gauge(
        'inventory_writable',
        '0: the disk refuses writes; reads are still served.',
        Number(isWritable),
        'smallest',
      ),
      gauge(
        'inventory_log_sequence',
        'Sequence of the last durable event.',
        now.durableSequence,
        'largest',
      ),
      gauge('inventory_records', 'Stock records.', now.records, 'largest'),
      gauge(
        'inventory_reservations',
        'Reservations kept, including closed ones.',
        now.reservations,
        'largest',
      ),
      gauge('inventory_idempotency_keys', 'Idempotency keys kept.', now.idempotencyKeys, 'largest'),
      gauge(
        'inventory_idempotency_keys_max',
        'Limit of idempotency keys (IDEMP_MAX_KEYS): at the limit, writes with a new key are refused.',
        now.idempotencyKeysMax,
        'largest',
      ),
      gauge(
        'inventory_disk_free_bytes',
        'Free space on the file system of DATA_DIR. The log only grows.',
        now.disk.freeBytes,
        'smallest',
      ),
      gauge(
        'inventory_disk_size_bytes',
        'Size of the file system of DATA_DIR.',
        now.disk.sizeBytes,
        'largest',
      ),
      counter('inventory_snapshots_total', 'Snapshots made.', snapshot.made),
      gauge(
        'inventory_snapshot_sequence',
        'Sequence of the last event in the newest snapshot made.',
        snapshot.sequence,
        'largest',
      ),
      gauge(
        'inventory_snapshot_bytes',
        'Size of the newest snapshot made.',
        snapshot.bytes,
        'largest',
      ),
      counter('inventory_storage_warnings_total', 'Warnings of the storage, as logged.', warnings),
      gauge(
        'inventory_recovery_duration_seconds',
        'Duration of the recovery at the start.',
        now.recovery.durationMs / 1_000,
        'largest',
      ),
      gauge(
        'inventory_recovery_replayed_events',
        'Events folded at the start.',
        now.recovery.replayed,
        'largest',
      ),
    ],
  };
}
