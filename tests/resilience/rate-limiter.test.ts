import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimiter } from '../../src/resilience/rate-limiter.js';

const LIMIT = { perSecond: 10, burst: 20 };

describe('a rate limiter', () => {
  it('lets a whole bucket pass at once, and no more', () => {
    const limiter = createRateLimiter(LIMIT);
    const quotas = Array.from({ length: 22 }, () => limiter.take('a', 5_000));
    expect(quotas.map(({ remaining }) => remaining).slice(0, 21)).toEqual([
      ...Array.from({ length: 20 }, (_, taken) => 19 - taken),
      0,
    ]);
    expect(quotas.map(({ allowed }) => allowed).slice(19)).toEqual([true, false, false]);
    expect(limiter.statistics()).toEqual({ clients: 1, allowed: 20, limited: 2 });
  });

  it('has a new token for every tenth of a second', () => {
    const limiter = createRateLimiter(LIMIT);
    for (let taken = 0; taken < 20; taken += 1) limiter.take('a', 0);
    expect(limiter.take('a', 99)).toMatchObject({ allowed: false });
    expect(limiter.take('a', 100)).toMatchObject({ allowed: true, remaining: 0 });
    expect(limiter.take('a', 100)).toMatchObject({ allowed: false });
    expect(limiter.take('a', 400)).toMatchObject({ allowed: true, remaining: 2 });
  });

  it('says when there is a token again, and when the bucket is full', () => {
    const limiter = createRateLimiter(LIMIT);
    expect(limiter.take('a', 0)).toMatchObject({ fullInMs: 100, retryAfterMs: 0 });
    for (let taken = 1; taken < 20; taken += 1) limiter.take('a', 0);
    expect(limiter.take('a', 30)).toMatchObject({ fullInMs: 1_970, retryAfterMs: 70 });
    // who is refused pays nothing for it
    expect(limiter.take('a', 30)).toMatchObject({ fullInMs: 1_970, retryAfterMs: 70 });
  });

  it('fills no bucket beyond its size, however long nobody came', () => {
    const limiter = createRateLimiter(LIMIT);
    limiter.take('a', 0);
    expect(limiter.take('a', 1e9)).toMatchObject({ remaining: 19, fullInMs: 100 });
  });

  it('counts every client by itself', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 });
    expect(limiter.take('a', 0).allowed).toBe(true);
    expect(limiter.take('b', 0).allowed).toBe(true);
    expect(limiter.take('a', 0).allowed).toBe(false);
  });

  it('never lets more pass than a bucket and its refill, over any span of time', () => {
    fc.assert(
      fc.property(
        fc.record({
          perSecond: fc.integer({ min: 1, max: 1_000 }),
          spare: fc.integer({ min: 0, max: 500 }),
          gaps: fc.array(fc.nat(40), { minLength: 1, maxLength: 400 }),
        }),
        ({ perSecond, spare, gaps }) => {
          const limiter = createRateLimiter({ perSecond, burst: perSecond + spare });
          let now = 0;
          const passed = gaps.flatMap((gap) => {
            now += gap;
            return limiter.take('a', now).allowed ? [now] : [];
          });
          for (let first = 0; first < passed.length; first += 7) {
            const count = passed.length - first;
            const span = passed.at(-1)! - passed[first]!;
            expect(count).toBeLessThanOrEqual(
              perSecond + spare + (span * perSecond) / 1_000 + 0.01,
            );
          }
        },
      ),
    );
  });

  it('counts a client once that it has moved on to the younger half of its table', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 5 }, 4);
    for (const client of ['a', 'b', 'a']) limiter.take(client, 0);

    expect(limiter.statistics().clients).toBe(2);
  });

  it('knows a bounded number of clients, and goes on knowing those that come again', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 }, 1_000);
    limiter.take('regular', 0);
    let most = 0;
    for (let stranger = 0; stranger < 100_000; stranger += 1) {
      limiter.take(`stranger ${stranger}`, 0);
      most = Math.max(most, limiter.statistics().clients);
      if (stranger % 100 === 0 && stranger < 400) {
        expect(limiter.take('regular', 0).allowed).toBe(false);
      }
    }
    expect(most).toBeLessThanOrEqual(1_000);
  });
});
