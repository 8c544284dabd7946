import { describe, expect, it } from 'vitest';
import { createBackgroundShare } from '../../src/resilience/background-share.js';
import { createFakeClock } from '../support/fake-clock.js';

/** An event loop in which others take `turnMs` of every turn, and slices of work `sliceMs` each. */
async function loop({ turnMs, sliceMs, slices }: Record<'turnMs' | 'sliceMs' | 'slices', number>) {
  const clock = createFakeClock();
  let turns = 0;
  let longestStintMs = 0;
  let stintMs = 0;
  const share = createBackgroundShare({
    clock,
    timers: {
      after: () => () => undefined,
      immediate(task) {
        turns += 1;
        stintMs = 0;
        clock.advance(turnMs);
        setImmediate(task);
      },
    },
  });
  share.resume();
  const startedAt = clock.monotonicMs();
  for (let slice = 0; slice < slices; slice += 1) {
    clock.advance(sliceMs);
    stintMs += sliceMs;
    longestStintMs = Math.max(longestStintMs, stintMs);
    await share.yieldTurn();
  }
  const part = (slices * sliceMs) / (clock.monotonicMs() - startedAt);
  return { turns, longestStintMs, share: part };
}

describe('the share of background work', () => {
  it('is a tenth of the time where turns are short: while connections are accepted', async () => {
    const { share } = await loop({ turnMs: 0.2, sliceMs: 0.3, slices: 200 });
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.105);
  });

  it('is a tenth of the time where turns are long, with several slices in one', async () => {
    const { share, turns } = await loop({ turnMs: 18, sliceMs: 0.3, slices: 400 });
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.13);
    expect(turns).toBeLessThan(100);
  });

  it('is all of an idle loop, in which every slice has its turn', async () => {
    const { share, turns } = await loop({ turnMs: 0.01, sliceMs: 0.3, slices: 100 });
    expect(share).toBeGreaterThan(0.95);
    expect(turns).toBe(100);
  });

  it('never holds the loop for long, however long the turns of others are', async () => {
    const { longestStintMs } = await loop({ turnMs: 500, sliceMs: 0.3, slices: 400 });
    expect(longestStintMs).toBeLessThan(3.5);
  });

  it('does not count a wait for something else as work', async () => {
    const clock = createFakeClock();
    let turns = 0;
    const immediate = (task: () => void): void => {
      turns += 1;
      clock.advance(1);
      setImmediate(task);
    };
    const share = createBackgroundShare({
      clock,
      timers: { after: () => () => undefined, immediate },
    });
    clock.advance(1_000);
    share.resume();
    clock.advance(0.3);
    await share.yieldTurn();
    expect(turns).toBe(3);
  });
});
