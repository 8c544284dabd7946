import { describe, expect, it } from 'vitest';
import { sameSkips, skipsAfter } from '../../src/domain/history-links.js';

describe('the links into the past of a record', () => {
  it('are those before, until a version is a multiple of 64', () => {
    expect(skipsAfter(undefined, 63, 500)).toBeUndefined();
    expect(skipsAfter(undefined, 64, 501)).toEqual([501]);
    const before = [501];
    expect(skipsAfter(before, 65, 502)).toBe(before);
  });

  it('name the latest event of each distance, and keep the farther ones', () => {
    expect(skipsAfter([700], 4_096, 800)).toEqual([800, 800]);
    expect(skipsAfter([800, 800], 4_160, 900)).toEqual([900, 800]);
    expect(skipsAfter([900, 800], 262_144, 990)).toEqual([990, 990, 990]);
  });

  it('are the same only where all of them are', () => {
    expect(sameSkips(undefined, undefined)).toBe(true);
    expect(sameSkips([9, 5], [9, 5])).toBe(true);
    expect(sameSkips([9, 5], [9, 4])).toBe(false);
    expect(sameSkips([9, 5], [8, 5])).toBe(false);
    expect(sameSkips([9], [9, 5])).toBe(false);
    expect(sameSkips([9], undefined)).toBe(false);
    expect(sameSkips(undefined, [9])).toBe(false);
  });
});
