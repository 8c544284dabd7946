import type { Timers } from '../system.js';
import type { InventoryService } from './inventory-service.js';
import type { DurableInventory } from './ports.js';

/** The longest sleep, in ms: the clock may be slewed, and holds come and go. */
const SLEEP_MS_MAX = 1_000;
/** The delay before another attempt after a failure (no disk space, say), in ms. */
const RETRY_MS = 1_000;

export interface ExpiryTimer {
  /** Resolves when the settling in progress has ended; none starts afterwards. */
  stop(): Promise<void>;
}

/**
 * Settles due holds that no request touches, on time and in bounded slices. Correctness does not
 * depend on it: every read and write of a record with a due hold settles that hold first.
 */
export function startExpiryTimer(deps: {
  readonly timers: Timers;
  readonly inventory: Pick<DurableInventory, 'now' | 'nextExpiry'>;
  readonly service: Pick<InventoryService, 'settleDue'>;
  readonly onError: (error: unknown) => void;
}): ExpiryTimer {
  const { timers, inventory, service } = deps;
  let running = Promise.resolve();
  let stopped = false;
  let cancel = timers.after(0, tick);

  function tick(): void {
    running = settle().then(sleep, (error: unknown) => {
      deps.onError(error);
      sleep(RETRY_MS);
    });
  }

  async function settle(): Promise<number> {
    if (await service.settleDue()) return 0;
    const next = await inventory.nextExpiry();
    if (next === undefined) return SLEEP_MS_MAX;
    return Math.max(1, Math.min(SLEEP_MS_MAX, next - inventory.now()));
  }

  function sleep(delayMs: number): void {
    if (!stopped) cancel = timers.after(delayMs, tick);
  }

  return {
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}
