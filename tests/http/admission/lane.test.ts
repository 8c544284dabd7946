import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, Response } from 'express';
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

it('a probe whose client leaves without an answer does not close the breaker: the next one is one', () => {
  const clock = createFakeClock();
  const policy = { threshold: 0.5, cooldownMs: 1_000, window: 10, callsMin: 2 };
  const breaker = createCircuitBreaker(policy, clock);
  const lane = createLane(10, breaker, () => undefined);
  for (let call = 0; call < 2; call += 1) breaker.leave(breaker.enter(), false);
  clock.advance(1_000);
  const request = new IncomingMessage(new Socket()) as Request;
  const response = new ServerResponse(request) as Response;

  expect(lane.enter(request, response)).toBe(true);
  response.emit('close');
  expect(breaker.state).toBe('half-open');
  expect(breaker.retryAfterMs()).toBe(0);
  expect(lane.inFlight).toBe(0);
});
