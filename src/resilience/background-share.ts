import type { System } from '../system.js';

/** While the event loop is busy, background work leaves this many times its own time to the rest. */
const OTHERS_PARTS = 9;
/** How long background work may hold the event loop at a time, in ms: every request waits for it. */
const STINT_MS_MAX = 3;
/** A slice that took longer than this, in ms, was interrupted: a stopped process has not worked. */
const SLICE_MS_MAX = 50;
/** If the rest took less than this of a turn, in ms, the event loop had nothing else to do. */
const IDLE_MS = 0.05;

/**
 * Divides the event loop by time between background work and the rest: the work gets a tenth of a
 * busy loop, and all of an idle one. To do one slice in each turn would not divide it: under load a
 * turn takes 20 ms, and the work falls behind; while connections are accepted, one in each turn,
 * turns take 0.2 ms, and the work would take most of the time.
 */
export interface BackgroundShare {
  /** To be called where the work goes on after it has waited for something else. */
  resume(): void;
  /** To be called after every slice of the work; resolves when the next one may be done. */
  yieldTurn(): Promise<void>;
}

export function createBackgroundShare({
  clock,
  timers,
}: Pick<System, 'clock' | 'timers'>): BackgroundShare {
  let resumedMs = clock.monotonicMs();
  /** What the rest has still to get for work that was done; below 0: it got more than that. */
  let owedMs = 0;

  return {
    resume() {
      resumedMs = clock.monotonicMs();
    },
    async yieldTurn() {
      let sinceMs = clock.monotonicMs();
      owedMs += OTHERS_PARTS * Math.min(sinceMs - resumedMs, SLICE_MS_MAX);
      resumedMs = sinceMs;
      while (owedMs >= 0) {
        await new Promise<void>((resolve) => timers.immediate(resolve));
        resumedMs = clock.monotonicMs();
        const turnMs = resumedMs - sinceMs;
        sinceMs = resumedMs;
        if (turnMs < IDLE_MS) {
          owedMs = 0;
          return;
        }
        owedMs = Math.max(owedMs - turnMs, -OTHERS_PARTS * STINT_MS_MAX);
      }
    },
  };
}
