import { expect, it } from 'vitest';
import { ForgettingWalk } from '../../src/storage/forgetting.js';

it('what is over is dropped also behind what came first and stays, since the retention was longer then', () => {
  const ends = new Map<string, number>([['old', 1_000_000]]);
  const walk = new ForgettingWalk(
    ends,
    (end) => end,
    (id) => ends.delete(id),
  );
  let most = 0;
  for (let at = 1; at <= 1_000; at += 1) {
    ends.set(`new-${at}`, at + 10);
    walk.forget(at, 4);
    most = Math.max(most, ends.size);
  }
  expect(most).toBeLessThan(50);
  expect(ends.has('old')).toBe(true);
  expect([...ends.values()].filter((end) => end > 1_000)).toHaveLength(11);
});
