import { describe, expect, it } from 'vitest';
import { partOf, withPart } from '../../bench/report/performance-page.js';

describe('the page of measured figures', () => {
  it('gets a part at its end the first time, and in its place from then on', () => {
    const first = withPart('# Performance\n', 'start', 'slow');
    const second = withPart(first, 'growth', 'flat');
    const third = withPart(`${second}\nOf a person.\n`, 'start', 'fast');

    expect(partOf(third, 'start')).toBe('fast');
    expect(partOf(third, 'growth')).toBe('flat');
    expect(third).toMatch(/^# Performance\n[^]*fast[^]*flat[^]*Of a person\.\n$/);
    expect(withPart(third, 'start', 'fast')).toBe(third);
  });
});
