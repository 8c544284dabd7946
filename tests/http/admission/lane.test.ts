import { expect, it } from 'vitest';
import { createLane } from '../../../src/http/admission/lane.js';
import { createCircuitBreaker } from '../../../src/resilience/circuit-breaker.js';
import { createFakeClock } from '../../support/fake-clock.js';

// Readiness goes by it: a service that nobody sends reads would never be probed by one.
it('a lane is stopped until the cooldown of its breaker is over, whether requests come or not', () => {
  const clock = createFakeClock();
  const policy = { threshold: 0.5, cooldownMs: 1_000, window: 10, callsMin: 2 };
  const breaker = createCircuitBreaker(policy, clock);
  const lane = createLane(10, breaker, () => undefined);
  expect(lane.statistics().isStopped).toBe(false);

  for (let call = 0; call < 2; call += 1) breaker.leave(breaker.enter(), false);
  expect(lane.statistics()).toMatchObject({ isStopped: true, breaker: { state: 'open' } });
  clock.advance(1_000);
  expect(lane.statistics()).toMatchObject({ isStopped: false, breaker: { state: 'open' } });
});
