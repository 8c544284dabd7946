import type { System } from '../../src/system.js';
import { createFakeClock } from './fake-clock.js';
import type { SeededRandom } from './seeded-random.js';

/** A system whose clock stands until it is moved, and whose ids count, or come from the seed. */
export interface SimulatedSystem extends System {
  advance(ms: number): void;
}

export function createSimulatedSystem(random?: SeededRandom): SimulatedSystem {
  const clock = createFakeClock();
  let ids = 0;
  return {
    clock,
    timers: {
      immediate: (task) => void setImmediate(task),
      after: (delayMs, task) => {
        const handle = setTimeout(task, delayMs);
        return () => clearTimeout(handle);
      },
    },
    ids: { next: () => `id-${random?.int(2 ** 32) ?? (ids += 1)}` },
    random: { next: () => random?.next() ?? 0.5 },
    advance: (ms) => clock.advance(ms),
  };
}
