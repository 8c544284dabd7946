import type { Clock } from '../../src/system.js';
import { START } from './facts.js';

export interface FakeClock extends Clock {
  /** Time passes: both clocks go on. */
  advance(ms: number): void;
  /** Somebody sets the wall clock: no time passes. */
  jump(ms: number): void;
}

/** A clock that stands until a test moves it. */
export function createFakeClock(): FakeClock {
  let wallMs = START;
  let monotonicMs = 1_000;
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    jump(ms) {
      wallMs += ms;
    },
  };
}
