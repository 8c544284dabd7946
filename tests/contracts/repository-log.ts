import { describe, expect, it } from 'vitest';
import type { AggregateEvent } from '../../src/domain/aggregate.js';
import { liveKey } from '../../src/domain/evolve.js';
import { stockKey } from '../../src/domain/keys.js';
import { START, named } from '../support/facts.js';
import {
  A,
  type RepositoryUnderTest,
  adjust,
  commit,
  request,
  reserve,
  transfer,
} from './repository-under-test.js';

/** As much of an event as the central view folds. */
function folded({ sequence, type, at, lines }: AggregateEvent): AggregateEvent {
  const kept = lines.map(({ storeId, sku, version, onHandDelta, reservedDelta }) => {
    return { storeId, sku, version, onHandDelta, reservedDelta };
  });
  return { sequence, type, at, lines: kept };
}

/** What is promised of the log: its events, its links, and its idempotency keys. */
export function describeLog(driver: RepositoryUnderTest): void {
  describe('events', () => {
    it('are read as they were appended, whatever they carry', async () => {
      const appended = [
        await driver.done({
          ...adjust('S1/A', 9),
          reason: 'a "quoted"\n\u001b[31mline',
          reference: '€',
        }),
        await driver.done({ type: 'CountStock', ...named('S1/A'), onHand: 7 }, request('k1')),
        await driver.done(reserve('r1', { 'S1/A': 3 }, { ttlMs: 1_000, reference: 'order-1' })),
        await driver.done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 2_000 }),
        await driver.done(commit('r1', { 'S1/A': 1 })),
        await driver.done({ type: 'ReleaseLine', ...named('S1/A'), reservationId: 'r1', qty: 1 }),
        await driver.done(transfer('S1', 'S2', 'A', 2)),
        await driver.done(reserve('r2', { 'S1/A': 100 }), {
          ...request('k2'),
          requestId: 'request-1',
          instance: '/api/reservations',
        }),
        await driver.done({
          type: 'BatchStock',
          operations: [
            { type: 'AdjustStock', ...named('S1/A'), delta: 1, reason: 'found' },
            { type: 'ReserveStock', reservationId: 'r3', lines: [{ ...named('S1/A'), qty: 1 }] },
          ],
        }),
      ];
      driver.clock.advance(2_000);
      appended.push(await driver.expired());
      const types = appended.map(({ type }) => type);
      expect(new Set(types).size).toBe(10);
      expect(await driver.repository.eventsAfter(0, 100)).toEqual(appended);
      for (const event of appended) {
        expect(await driver.repository.event(event.sequence)).toEqual(event);
      }
      const movements = await driver.repository.movementsAfter(0, 100);
      expect(movements.map(folded)).toEqual(appended.map(folded));
      expect(JSON.stringify(movements)).toBe(
        JSON.stringify(await driver.repository.eventsAfter(0, 100)),
      );
    });

    it('come in order, behind a sequence and up to a limit', async () => {
      for (let index = 0; index < 6; index += 1) await driver.done(adjust('S1/A', 1));
      const page = async (after: number, limit: number) =>
        (await driver.repository.eventsAfter(after, limit)).map(({ sequence }) => sequence);
      const movements = async (after: number, limit: number) =>
        (await driver.repository.movementsAfter(after, limit)).map(({ sequence }) => sequence);
      expect(await page(0, 100)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await page(0, 2)).toEqual([1, 2]);
      expect(await page(3, 2)).toEqual([4, 5]);
      expect(await page(5, 100)).toEqual([6]);
      expect(await page(6, 100)).toEqual([]);
      expect(await page(99, 100)).toEqual([]);
      expect(await movements(3, 2)).toEqual([4, 5]);
      expect(await movements(5, 100)).toEqual([6]);
      expect(await movements(6, 100)).toEqual([]);
    });

    it('link every record to its history, and only to that', async () => {
      await driver.done(adjust('S1/A', 5));
      await driver.done(adjust('S1/B', 5));
      await driver.done(reserve('r1', { 'S1/A': 1, 'S1/B': 1 }));
      await driver.done(adjust('S1/B', 5));
      await driver.done(commit('r1', { 'S1/A': 1 }));
      const chain: number[] = [];
      let sequence = (await driver.repository.record(A))?.sequence ?? 0;
      while (sequence > 0) {
        chain.push(sequence);
        const { lines } = await driver.repository.event(sequence);
        sequence = lines.find((line) => stockKey(line) === A)?.previousSequence ?? -1;
      }
      expect(chain).toEqual([5, 3, 1]);
    });
  });

  describe('idempotency keys', () => {
    it('are live until their recorded end, and then free again', async () => {
      await driver.done(adjust('S1/A', 5), request('k', START + 1_000));
      const live = () => driver.newest(({ state, at }) => liveKey(state, 'k', at));
      const entry = { fingerprint: 'f-k', sequence: 1, until: START + 1_000 };
      expect(await live()).toEqual(entry);
      driver.clock.advance(999);
      expect(await live()).toEqual(entry);
      await expect(driver.done(adjust('S1/A', 1), request('k'))).rejects.toThrow('key-used');
      driver.clock.advance(1);
      expect(await live()).toBeUndefined();
      await driver.done(adjust('S1/A', 1), request('k', START + 9_000));
      expect(await live()).toMatchObject({ sequence: 2, until: START + 9_000 });
    });

    it('are counted, and a full table of dead ones recovers without any event', async () => {
      for (let index = 0; index < 20; index += 1) {
        await driver.done(adjust('S1/A', 1), request(`k${index}`, START + 1_000));
      }
      expect(await driver.newest(({ state }) => state.keyCount)).toBe(20);
      driver.clock.advance(1_000);
      for (let tries = 0; tries < 20; tries += 1) await driver.newest(() => undefined);
      expect(await driver.newest(({ state }) => state.keyCount)).toBe(0);
      expect(driver.repository.durableSequence()).toBe(20);
    });

    it('of a refusal are kept like any other', async () => {
      await driver.done(adjust('S1/A', -5), request('k'));
      expect(await driver.newest(({ state, at }) => liveKey(state, 'k', at))).toMatchObject({
        sequence: 1,
      });
    });
  });
}
