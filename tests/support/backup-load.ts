import { proofScale } from './seeded-random.js';
import { createStockClient } from './stock-client.js';

export const STORE = 'S1';
export const SKUS = ['A', 'B', 'C', 'D'];
const BATCH_OPERATIONS = 1_000;
/** From PROOF_SCALE=15 on, segments roll over and snapshots are made meanwhile. */
const BATCHES = Math.ceil(15 * proofScale());

/** One acknowledged reserve that nobody has touched since. */
export interface Held {
  readonly sequence: number;
  readonly sku: string;
  readonly key: string;
  readonly body: unknown;
}

export interface BackupLoad {
  /** The highest sequence that any answer has named. */
  readonly acknowledged: number;
  readonly held: readonly Held[];
  /** Resolves when the log has so many events more than when it was called. */
  grow(events: number): Promise<void>;
  stop(): Promise<void>;
}

/** Several clients that adjust and reserve, and one that sends large batches: segments roll over. */
export function startBackupLoad(url: string): BackupLoad {
  const client = createStockClient(url);
  const held: Held[] = [];
  let acknowledged = 0;
  let going = true;
  let number = 0;

  async function writer(): Promise<void> {
    while (going) {
      const key = `key-${(number += 1)}`;
      const sku = SKUS[number % SKUS.length] ?? '';
      const isReserve = number % 3 === 0;
      const sent = isReserve
        ? client.reserve(STORE, sku, 1, key)
        : client.adjust(STORE, sku, 2, key);
      const answer = await sent;
      if (answer === undefined || answer.status >= 300) continue;
      const { sequence = 0 } = answer.body;
      acknowledged = Math.max(acknowledged, sequence);
      if (isReserve) held.push({ sequence, sku, key, body: answer.body });
    }
  }

  async function batches(): Promise<void> {
    const operations = Array.from({ length: BATCH_OPERATIONS }, (_, index) => {
      return { op: 'adjust', storeId: 'BULK', sku: `SKU-${index}`, delta: 1 };
    });
    for (let batch = 0; going && batch < BATCHES; batch += 1) {
      const answer = await client.send('POST', '/api/inventory/batch', { operations });
      acknowledged = Math.max(acknowledged, answer?.body.sequence ?? 0);
    }
  }

  const all = [...Array.from({ length: 8 }, writer), batches()];
  return {
    held,
    get acknowledged() {
      return acknowledged;
    },
    async grow(events) {
      const goal = acknowledged + events;
      while (acknowledged < goal) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    async stop() {
      going = false;
      await Promise.all(all);
    },
  };
}
