import { describe, expect, it } from 'vitest';
import {
  BreakerOpenError,
  type BreakerState,
  type CircuitBreaker,
  REFUSED,
  createCircuitBreaker,
} from '../../src/resilience/circuit-breaker.js';
import { createFakeClock } from '../support/fake-clock.js';

const COOLDOWN_MS = 30_000;

function setUp(policy: { threshold?: number; window?: number; callsMin?: number } = {}) {
  const clock = createFakeClock();
  const changes: BreakerState[] = [];
  const breaker = createCircuitBreaker(
    { threshold: 0.5, window: 10, callsMin: 4, cooldownMs: COOLDOWN_MS, ...policy },
    clock,
    (state) => changes.push(state),
  );
  return { clock, breaker, changes };
}

const succeed = (): Promise<string> => Promise.resolve('done');
const fail = (): Promise<never> => Promise.reject(new Error('the task failed'));

/** Runs these outcomes in turn: `+` succeeds, `-` fails. */
async function run(breaker: CircuitBreaker, outcomes: string): Promise<void> {
  for (const outcome of outcomes) {
    await breaker.run(outcome === '+' ? succeed : fail).catch(() => undefined);
  }
}

describe('a circuit breaker', () => {
  it('hands through what a task gives and what it throws', async () => {
    const { breaker } = setUp();
    expect(await breaker.run(succeed)).toBe('done');
    await expect(breaker.run(fail)).rejects.toThrow('the task failed');
    expect(breaker.statistics()).toEqual({
      state: 'closed',
      successes: 1,
      failures: 1,
      refused: 0,
      opened: 0,
    });
  });

  it.each([
    ['---', 'closed', 'too few calls to judge by'],
    ['----', 'open', 'all of the fewest calls'],
    ['++--', 'open', 'just the threshold'],
    ['+++--', 'closed', 'below the threshold'],
    ['++++++++++-----', 'open', 'half of the last ten, which is all that is looked at'],
    ['++++++++++----', 'closed', 'four of the last ten'],
    ['-+++++++++++++---', 'closed', 'a failure that is out of sight does not count'],
  ])('after %s is %s: %s', async (outcomes, state) => {
    const { breaker } = setUp();
    await run(breaker, outcomes);
    expect(breaker.state).toBe(state);
  });

  it('lets nothing through while it is open, and says for how long', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.advance(10_000);
    let ran = false;
    const refused = breaker.run(() => {
      ran = true;
      return succeed();
    });
    await expect(refused).rejects.toThrow(BreakerOpenError);
    await expect(refused).rejects.toMatchObject({ retryAfterMs: 20_000 });
    expect(ran).toBe(false);
    expect(breaker.enter()).toBe(REFUSED);
    expect(breaker.statistics()).toMatchObject({ failures: 4, refused: 2, opened: 1 });
  });

  it('closes after the cooldown when a probe succeeds', async () => {
    const { breaker, clock, changes } = setUp();
    await run(breaker, '----');
    clock.advance(COOLDOWN_MS);
    expect(await breaker.run(succeed)).toBe('done');
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  it('opens anew when a probe fails, for a whole cooldown', async () => {
    const { breaker, clock, changes } = setUp();
    await run(breaker, '----');
    clock.advance(COOLDOWN_MS);
    await run(breaker, '-');
    expect(changes).toEqual(['open', 'half-open', 'open']);
    clock.advance(COOLDOWN_MS - 1);
    await expect(breaker.run(succeed)).rejects.toThrow(BreakerOpenError);
    clock.advance(1);
    expect(await breaker.run(succeed)).toBe('done');
  });

  it('lets one call through as the probe, and no second one beside it', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.advance(COOLDOWN_MS);
    const permit = breaker.enter();
    expect(permit).not.toBe(REFUSED);
    expect(breaker.enter()).toBe(REFUSED);
    breaker.leave(permit, true);
    expect(breaker.state).toBe('closed');
  });

  it('sends another probe when one has not returned for a cooldown', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.advance(COOLDOWN_MS);
    const lost = breaker.enter();
    clock.advance(COOLDOWN_MS);
    const second = breaker.enter();
    expect(second).not.toBe(REFUSED);
    breaker.leave(lost, false);
    expect(breaker.state).toBe('half-open');
    breaker.leave(second, true);
    expect(breaker.state).toBe('closed');
  });

  it('is not moved by calls that began before it opened', async () => {
    const { breaker, clock } = setUp();
    const early = [breaker.enter(), breaker.enter(), breaker.enter()];
    await run(breaker, '----');
    breaker.leave(early[0]!, true);
    expect(breaker.state).toBe('open');
    clock.advance(COOLDOWN_MS);
    const probe = breaker.enter();
    breaker.leave(early[1]!, false);
    expect(breaker.state).toBe('half-open');
    breaker.leave(probe, true);
    breaker.leave(early[2]!, false);
    await run(breaker, '---');
    expect(breaker.state).toBe('closed');
  });

  it('judges anew once it has closed', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.advance(COOLDOWN_MS);
    await run(breaker, '+---');
    expect(breaker.state).toBe('closed');
    await run(breaker, '-');
    expect(breaker.state).toBe('open');
  });

  it('can be probed by hand while it is open, and closes when that succeeds', async () => {
    const { breaker, changes } = setUp();
    await run(breaker, '----');
    expect(await breaker.probe(succeed)).toBe('done');
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  it('can be probed by hand in vain: then it stays open from then on', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.advance(20_000);
    await expect(breaker.probe(fail)).rejects.toThrow('the task failed');
    expect(breaker.state).toBe('open');
    expect(breaker.retryAfterMs()).toBe(COOLDOWN_MS);
  });

  it('takes a probe by hand for any other call while it is closed', async () => {
    const { breaker } = setUp();
    for (let call = 0; call < 3; call += 1) await breaker.probe(fail).catch(() => undefined);
    expect(breaker.state).toBe('closed');
    await breaker.probe(fail).catch(() => undefined);
    expect(breaker.state).toBe('open');
  });

  it('goes by the monotonic clock: a wall clock that is set back does not keep it open', async () => {
    const { breaker, clock } = setUp();
    await run(breaker, '----');
    clock.jump(-86_400_000);
    clock.advance(COOLDOWN_MS);
    expect(await breaker.run(succeed)).toBe('done');
  });
});
