import { describe, expect, it } from 'vitest';
import { liveKey } from '../../src/domain/evolve.js';
import type { StockKey } from '../../src/domain/keys.js';
import { START } from '../support/facts.js';
import {
  A,
  ALL,
  type RepositoryUnderTest,
  adjust,
  commit,
  decided,
  request,
  reserve,
  transfer,
} from './repository-under-test.js';

/** What is promised of a driver that outlives its process. */
export function describeReopening(driver: RepositoryUnderTest): void {
  describe('opened again', () => {
    it('is the same in every respect', async () => {
      await liveThroughEverything();
      const before = await everything();
      await driver.reopen();
      expect(await everything()).toEqual(before);
    });

    it('goes on where it was: sequence, time, versions and keys', async () => {
      driver.clock.advance(5_000);
      await driver.done(adjust('S1/A', 5), request('k', START + 60_000));
      await driver.reopen();
      await expect(driver.done(adjust('S1/A', 1), request('k'))).rejects.toThrow('key-used');
      const next = await driver.done(adjust('S1/A', 1));
      expect(next).toMatchObject({ sequence: 2, lines: [{ version: 2, previousSequence: 1 }] });
      expect(next.at).toBeGreaterThanOrEqual(START + 5_000);
    });

    it('continues from the log where the wall clock has fallen behind it', async () => {
      driver.clock.advance(5_000);
      const last = await driver.done(adjust('S1/A', 5));
      driver.clock.jump(-86_400_000);
      await driver.reopen();
      const next = await driver.done(adjust('S1/A', 5));
      expect(next.at).toBeGreaterThanOrEqual(last.at);
      expect(next.at).toBeLessThan(last.at + 60_000);
    });

    it('has nothing of a transaction whose work threw', async () => {
      await driver.done(adjust('S1/A', 5));
      await expect(
        driver.transact((tx) => {
          tx.append(decided(tx, adjust('S1/A', 2)));
          throw new Error('a defect');
        }),
      ).rejects.toThrow('a defect');
      await driver.done(adjust('S1/A', 1));
      await driver.reopen();
      expect(await driver.repository.record(A)).toMatchObject({
        onHand: 6,
        version: 2,
        sequence: 2,
      });
    });

    async function liveThroughEverything(): Promise<void> {
      await driver.done(adjust('S1/A', 50), request('k1', START + 60_000));
      await driver.done(adjust('S2/B', 50));
      await driver.done(reserve('r1', { 'S1/A': 5, 'S2/B': 1 }, { ttlMs: 3_000, reference: 'o1' }));
      await driver.done(reserve('r2', { 'S1/A': 5 }, { ttlMs: 1_000, reference: 'o1' }));
      await driver.done(
        reserve('r3', { 'S1/A': 5 }, { reference: 'o2' }),
        request('k2', START + 1_500),
      );
      await driver.done(commit('r3', { 'S1/A': 1 }));
      await driver.done(reserve('r4', { 'S2/B': 2 }));
      await driver.done({ type: 'ReleaseReservation', reservationId: 'r4' });
      await driver.done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 8_000 });
      await driver.done(transfer('S1', 'S3', 'A', 3));
      await driver.done(adjust('S1/A', -999), request('k3', START + 60_000));
      driver.clock.advance(2_000);
      await driver.expired();
      for (let index = 0; index < 150; index += 1) await driver.done(adjust('S3/A', 1));
    }

    async function everything() {
      const stores = ['S1', 'S2', 'S3', 'S4'];
      const keys = ['S1/A', 'S2/B', 'S3/A'] as StockKey[];
      const all = <T, U>(items: readonly T[], read: (item: T) => U | Promise<U>) =>
        Promise.all(items.map(async (item) => await read(item)));
      return {
        nodeId: driver.repository.nodeId,
        sequence: driver.repository.durableSequence(),
        events: await driver.repository.eventsAfter(0, 1_000),
        records: await all(keys, (key) => driver.repository.record(key)),
        lists: await all(stores, (store) => driver.repository.recordsOf(store, ALL)),
        reservations: await all(['r1', 'r2', 'r3', 'r4', 'r5'], (id) =>
          driver.repository.reservation(id),
        ),
        references: await all(['o1', 'o2'], (each) => driver.repository.reservationsOf(each, ALL)),
        holds: await all(keys, (key) => driver.repository.holdsOf(key, ALL)),
        due: await driver.repository.dueHolds(START + 1e9, 100),
        nextExpiry: await driver.repository.nextExpiry(),
        keys: await driver.newest(({ state, at }) =>
          ['k1', 'k2', 'k3'].map((k) => liveKey(state, k, at)),
        ),
        seen: await driver.newest(({ state }) =>
          keys.map((key) => [...state.expiringHolds(key)].map(({ id }) => id)),
        ),
      };
    }
  });
}
