import { validate, version } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { createSystem } from '../src/system.js';

it('makes ids that are UUIDs of version 7, each another one, in the order of their making', () => {
  const { ids, clock } = createSystem();
  const before = clock.wallMs();

  const made = Array.from({ length: 2_000 }, () => ids.next());

  expect(made.every((id) => validate(id) && version(id) === 7 && id === id.toLowerCase())).toBe(
    true,
  );
  expect(new Set(made).size).toBe(made.length);
  expect(made).toEqual([...made].sort());
  const times = made.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(before);
  expect(times.at(-1)).toBeLessThanOrEqual(clock.wallMs());
});

it('makes ids in the order of their making also while the wall clock goes back', () => {
  const { ids } = createSystem();
  const real = Date.now;
  onTestFinished(() => void (Date.now = real));
  const made = Array.from({ length: 1_000 }, (_, index) => {
    Date.now = () => 1_800_000_000_000 - index;
    return ids.next();
  });
  expect(made).toEqual([...made].sort());
});
