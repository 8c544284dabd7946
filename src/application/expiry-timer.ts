import type { Timers } from '../system.js';
import type { InventoryService } from './inventory-service.js';
import type { DurableInventory } from './ports.js';

/** How long the timer sleeps at the most: the clock may be slewed, and holds come and go. */
const SLEEP_MS_MAX = 1_000;
/** After a refusal (no room on disk, say) it is tried again this much later. */
const RETRY_MS = 1_000;

export interface ExpiryTimer {
  /** Resolves when the settling under way has ended; nothing starts after. */
  stop(): Promise<void>;
}

/**
 * Settles what is due and what nobody touches, on time and a bounded slice at a time. Exactness does
 * not depend on it: whoever reads or writes a record with a due hold settles that first.
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
