import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTime, timeText } from '../src/time-text.js';

describe('the text of a time', () => {
  it('is that of Date, there and back', () => {
    const anyTime = fc.oneof(
      fc.integer({ min: Date.UTC(2020), max: Date.UTC(2100) }),
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
    );
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1, maxLength: 20 }), (times) => {
        for (const ms of times) {
          const text = timeText(ms);
          expect(text).toBe(new Date(ms).toISOString());
          expect(parseTime(text)).toBe(ms);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses what is no time', () => {
    for (const ms of [NaN, Infinity, 9e15]) expect(() => timeText(ms)).toThrow(RangeError);
  });
});
