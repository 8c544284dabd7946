import { beforeEach, describe, expect, it } from 'vitest';
import { createRecordClock } from '../../src/application/record-clock.js';
import { START } from '../support/facts.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';

const DAY_MS = 86_400_000;
const YEARS_MS = 10 * 365 * DAY_MS;

describe('record time', () => {
  let clock: FakeClock;
  let jumps: number[];

  beforeEach(() => {
    clock = createFakeClock();
    jumps = [];
  });

  function start() {
    return createRecordClock(clock, ({ aheadMs }) => jumps.push(aheadMs));
  }

  /** Lets time pass in steps, looking at record time after each; it must never go back. */
  function pass(time: ReturnType<typeof start>, ms: number, stepMs: number): number {
    let last = time.now();
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs);
      const now = time.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    return last;
  }

  it('begins with the wall clock and goes on with it, in whole milliseconds', () => {
    const time = start();
    expect(time.now()).toBe(START);
    clock.advance(0.75);
    expect(time.now()).toBe(START);
    clock.advance(0.75);
    expect(time.now()).toBe(START + 1);
    expect(pass(time, 3_600_000, 997)).toBeCloseTo(START + 3_600_000, -4);
    expect(jumps).toEqual([]);
  });

  it('advances by what passes, be it looked at often or seldom', () => {
    const often = start();
    const seldom = start();
    pass(often, 10_000, 7);
    const left = START + 10_003 - seldom.now();
    expect(Math.abs(left)).toBeLessThanOrEqual(1);
    expect(Math.abs(often.now() - seldom.now())).toBeLessThanOrEqual(1);
  });

  it.each([
    ['a day back', -DAY_MS],
    ['ten years ahead', YEARS_MS],
  ])('is not moved by a wall clock that jumps %s, and reports it once', (_, jumpMs) => {
    const time = start();
    clock.advance(100);
    clock.jump(jumpMs);
    expect(time.now()).toBe(START + 100);
    clock.advance(50);
    expect(time.now()).toBe(START + 150);
    const later = pass(time, 600_000, 500);
    expect(Math.abs(later - (START + 600_150))).toBeLessThanOrEqual(601);
    expect(jumps).toEqual([jumpMs]);
  });

  it('reports a jump back to where it was as another one', () => {
    const time = start();
    clock.jump(DAY_MS);
    time.now();
    clock.jump(-DAY_MS);
    time.now();
    clock.advance(10_000);
    time.now();
    expect(jumps).toEqual([DAY_MS, 0]);
  });

  it('does not call a small step a jump, and follows it by a thousandth of what passes', () => {
    const time = start();
    clock.jump(1_000);
    const now = pass(time, 500_000, 1_000);
    expect(now).toBeGreaterThanOrEqual(START + 500_498);
    expect(now).toBeLessThanOrEqual(START + 500_500);
    expect(jumps).toEqual([]);
    expect(pass(time, 600_000, 1_000)).toBe(clock.wallMs());
  });

  it('slows down by a thousandth where it is ahead of the wall clock', () => {
    const time = start();
    clock.jump(-1_000);
    const now = pass(time, 500_000, 1_000);
    expect(now).toBeGreaterThanOrEqual(START + 499_498);
    expect(now).toBeLessThanOrEqual(START + 499_502);
    expect(jumps).toEqual([]);
  });

  it('never follows faster than a thousandth, however long nobody looked', () => {
    const time = start();
    clock.jump(YEARS_MS);
    clock.advance(DAY_MS);
    expect(time.now()).toBe(START + DAY_MS + DAY_MS / 1_000);
  });

  it('follows a wall clock that runs a little fast for days without calling that a jump', () => {
    const time = start();
    for (let minutes = 0; minutes < 5 * 24 * 60; minutes += 1) {
      clock.advance(60_000);
      clock.jump(12); // 200 parts in a million
      time.now();
    }
    expect(jumps).toEqual([]);
    expect(Math.abs(time.now() - clock.wallMs())).toBeLessThanOrEqual(60);
  });

  it('forgets a jump that it has caught up with: the same jump again is news', () => {
    const time = start();
    clock.jump(2_000);
    pass(time, 3_000_000, 1_000);
    clock.jump(2_000);
    pass(time, 10_000, 1_000);
    expect(jumps).toEqual([2_000, 2_000]);
  });

  it('continues from the log where the wall clock is behind it at start', () => {
    const time = start();
    const last = START + DAY_MS;
    time.notBefore(last);
    expect(time.now()).toBe(last);
    clock.advance(500);
    expect(time.now()).toBe(last + 500);
    expect(jumps).toEqual([-DAY_MS]);
  });

  it('believes a wall clock that is ahead of the log at start', () => {
    const time = start();
    time.notBefore(START - YEARS_MS);
    expect(time.now()).toBe(START);
    expect(jumps).toEqual([]);
  });

  it('is at least what the log says, also while running, and goes on from there', () => {
    const time = start();
    clock.advance(400);
    time.notBefore(START + 450);
    expect(time.now()).toBe(START + 450);
    clock.advance(10);
    expect(time.now()).toBe(START + 460);
    time.notBefore(START + 455);
    expect(time.now()).toBe(START + 460);
    expect(jumps).toEqual([]);
  });
});
