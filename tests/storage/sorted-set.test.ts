import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSet } from '../../src/storage/sorted-set.js';

interface Item {
  readonly place: number;
  readonly name: string;
}

const byPlace = (a: { place: number }, b: { place: number }) => a.place - b.place;

describe('a sorted set', () => {
  it('has what was added and not deleted, once and in order, whether few or many', () => {
    const step = fc.record({
      place: fc.integer({ min: 0, max: 99 }),
      name: fc.string({ maxLength: 2 }),
      deleted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(99), (steps, after) => {
        const set = new SortedSet<Item, { place: number }>(byPlace);
        const expected = new Map<number, Item>();
        for (const { place, name, deleted } of steps) {
          if (deleted) set.delete({ place });
          else set.add({ place, name });
          if (deleted) expected.delete(place);
          else expected.set(place, { place, name });
          expect(set.size).toBe(expected.size);
        }
        const inOrder = [...expected.values()].sort(byPlace);
        expect([...set.items()]).toEqual(inOrder);
        expect(set.first()).toEqual(inOrder[0]);
        expect([...set.items({ place: after })]).toEqual(
          inOrder.filter(({ place }) => place > after),
        );
      }),
    );
  });
});
