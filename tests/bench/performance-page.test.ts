import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { partOf, shownInReadme, withPart } from '../../bench/report/performance-page.js';

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

  it.runIf(existsSync('docs/performance.md'))(
    'is where the figures of the README come from',
    () => {
      const measured = partOf(readFileSync('docs/performance.md', 'utf8'), 'requests');
      const shown = partOf(readFileSync('README.md', 'utf8'), 'requests');
      expect(shown).toBe(shownInReadme(measured ?? ''));
    },
  );
});
