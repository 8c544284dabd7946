import type { z } from 'zod';
import type { DeadLetter, StoreShare } from '../../application/central-aggregate.js';
import type { CentralSku, SyncRun, SyncStatus } from '../../application/sync-control.js';
import type { CentralRecord } from '../../domain/aggregate.js';
import type { RecordTime } from '../../domain/stock.js';
import { timeText } from '../../time-text.js';
import type {
  centralSkuSchema,
  letterPageSchema,
  syncRunSchema,
  syncStatusSchema,
} from '../schemas/sync-schemas.js';

type DeadLetterJson = z.infer<typeof letterPageSchema>['items'][number];

export function centralSkuJson(
  sku: string,
  { shares, asOf, lag }: CentralSku,
): z.infer<typeof centralSkuSchema> {
  return {
    sku,
    total: {
      ...totalOf(shares),
      ...([...shares, ...asOf.sources].some(({ isDoubtful }) => isDoubtful) && { doubtful: true }),
    },
    stores: shares.map(({ source, record, isDoubtful }) => ({
      source,
      storeId: record.storeId,
      ...quantitiesOf(record),
      ...(isDoubtful && { doubtful: true }),
    })),
    asOf: {
      sequence: asOf.sequence,
      at: timeOrNull(asOf.at),
      sources: asOf.sources.map(({ name, sequence, at, ageMs, isDoubtful }) => ({
        name,
        sequence,
        at: timeOrNull(at),
        ageMs: ageMs ?? null,
        ...(isDoubtful && { doubtful: true }),
      })),
    },
    lag,
  };
}

export function syncRunJson({ failures, ...run }: SyncRun): z.infer<typeof syncRunSchema> {
  return { ...run, ...(failures.length > 0 && { failures: [...failures] }) };
}

export function syncStatusJson(status: SyncStatus): z.infer<typeof syncStatusSchema> {
  const { running, intervalMs, checkpoint, lag, lastRunAt, lastError, deadLetters } = status;
  return {
    running,
    intervalMs,
    sources: status.sources.map((source) => ({
      ...source,
      url: source.url ?? null,
      nodeId: source.nodeId ?? null,
      at: timeOrNull(source.at),
      ageMs: source.ageMs ?? null,
      lastError: source.lastError ?? null,
    })),
    checkpoint,
    lag,
    lastRunAt: timeOrNull(lastRunAt),
    lastError: lastError ?? null,
    deadLetters,
  };
}

export function deadLetterJson(letter: DeadLetter): DeadLetterJson {
  return {
    ...letter,
    type: letter.type ?? null,
    records: letter.records.map((record) => ({ ...record, version: record.version ?? null })),
    firstAttemptAt: timeText(letter.firstAttemptAt),
    lastAttemptAt: timeText(letter.lastAttemptAt),
    received: letter.received ?? null,
  };
}

function totalOf(shares: readonly StoreShare[]) {
  let onHand = 0;
  let reserved = 0;
  for (const { record } of shares) {
    onHand += record.onHand;
    reserved += record.reserved;
  }
  return { qty: onHand - reserved, reserved, onHand };
}

function quantitiesOf({ onHand, reserved }: CentralRecord) {
  return { qty: onHand - reserved, reserved, onHand };
}

function timeOrNull(at: RecordTime | undefined): string | null {
  return at === undefined ? null : timeText(at);
}
