import type { Clock, Millis } from '../system.js';

/** How far wall time may drift from record time before it is reported as a jump, in ms. */
const JUMP_MS = 1_000;
/** Record time is slewed towards wall time by at most this fraction of the elapsed time. */
const SLEW = 0.001;

export interface RecordClock {
  /** Whole ms since the epoch; never goes back. */
  now(): Millis;
  /** Record time is at least `at` from now on, since the log has reached it. */
  notBefore(at: Millis): void;
}

/**
 * Record time: advances with the monotonic clock from the wall time at start, and is slewed slowly
 * towards wall time. A later jump of the wall clock moves nothing, and is reported once. If the
 * wall clock is behind the log at start, record time continues from the log.
 */
export function createRecordClock(
  clock: Clock,
  onJump: (jump: { readonly aheadMs: number }) => void,
): RecordClock {
  let base = clock.wallMs();
  let baseMonotonic = clock.monotonicMs();
  let last = base;
  let reported = 0;
  return {
    now() {
      const elapsed = clock.monotonicMs() - baseMonotonic;
      const aheadMs = clock.wallMs() - (base + elapsed);
      if (Math.abs(aheadMs - reported) > JUMP_MS) {
        onJump({ aheadMs: Math.round(aheadMs) });
        reported = aheadMs;
      }
      if (elapsed >= 1_000) {
        const slewed = Math.max(-elapsed * SLEW, Math.min(elapsed * SLEW, aheadMs));
        base += elapsed + slewed;
        baseMonotonic += elapsed;
        // Never beyond 0: slewing against ordinary drift is not part of a jump.
        reported = between(0, reported, reported - slewed);
        last = Math.max(last, Math.floor(base));
      } else last = Math.max(last, Math.floor(base + elapsed));
      return last;
    },
    notBefore(at) {
      if (at > last) last = at;
      if (at > base + (clock.monotonicMs() - baseMonotonic)) {
        base = at;
        baseMonotonic = clock.monotonicMs();
      }
    },
  };
}

function between(a: number, b: number, value: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), value));
}
