import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { createSystem } from '../src/system.js';

it('makes ids that are UUIDs of version 7, each another one, in the order of their milliseconds', () => {
  const { ids, clock } = createSystem();
  const before = clock.wallMs();

  const made = Array.from({ length: 2_000 }, () => ids.next());

  expect(made.every((id) => validate(id) && version(id) === 7 && id === id.toLowerCase())).toBe(
    true,
  );
  expect(new Set(made).size).toBe(made.length);
  const times = made.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(before);
  expect(times.at(-1)).toBeLessThanOrEqual(clock.wallMs());
});
