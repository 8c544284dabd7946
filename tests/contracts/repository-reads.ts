import { beforeEach, describe, expect, it } from 'vitest';
import type { StockKey } from '../../src/domain/keys.js';
import type { StoredReservation } from '../../src/domain/stock.js';
import { START, named } from '../support/facts.js';
import {
  A,
  ALL,
  B,
  CLOSED_RETENTION_MS,
  type RepositoryUnderTest,
  adjust,
  commit,
  idsOf,
  reserve,
} from './repository-under-test.js';

/** What is promised of reads: what they find, in which order, page by page. */
export function describeReads(driver: RepositoryUnderTest): void {
  describe('an empty repository', () => {
    it('knows nothing, and says so', async () => {
      expect(driver.repository.durableSequence()).toBe(0);
      expect(await driver.repository.record(A)).toBeUndefined();
      expect(await driver.repository.recordsOf('S1', ALL)).toEqual([]);
      expect(await driver.repository.reservation('r1')).toBeUndefined();
      expect(await driver.repository.reservationsOf('order-1', ALL)).toEqual([]);
      expect(await driver.repository.holdsOf(A, ALL)).toEqual([]);
      expect(await driver.repository.dueHolds(START + 1e12, 10)).toEqual([]);
      expect(await driver.repository.nextExpiry()).toBeUndefined();
      expect(await driver.repository.eventsAfter(0, 10)).toEqual([]);
    });
  });

  describe('records', () => {
    it('are read one by one, with the head of their history', async () => {
      await driver.done(adjust('S1/A', 5));
      await driver.done(reserve('r1', { 'S1/A': 2 }));
      expect(await driver.repository.record(A)).toEqual({
        ...named('S1/A'),
        onHand: 5,
        reserved: 2,
        version: 2,
        updatedAt: START,
        sequence: 2,
      });
      expect(await driver.repository.record('S1/B' as StockKey)).toBeUndefined();
    });

    it('are listed by store in SKU order, page by page', async () => {
      for (const sku of ['b', 'B', 'A 10', 'A', 'a.b', '9'])
        await driver.done(adjust(`S1/${sku}`, 1));
      await driver.done(adjust('S2/X', 1));
      const order = ['9', 'A', 'A 10', 'B', 'a.b', 'b'];
      const page = async (after: string | undefined, limit: number) =>
        (await driver.repository.recordsOf('S1', { after, limit })).map(({ sku }) => sku);
      expect(await page(undefined, 100)).toEqual(order);
      expect(await page(undefined, 2)).toEqual(order.slice(0, 2));
      expect(await page('A', 2)).toEqual(order.slice(2, 4));
      expect(await page('a.b', 100)).toEqual(['b']);
      expect(await page('b', 100)).toEqual([]);
      expect(await page('AA', 1)).toEqual(['B']);
      expect(await driver.repository.recordsOf('S3', ALL)).toEqual([]);
      expect(await driver.repository.recordsOf('S2', { after: 'X', limit: 1 })).toEqual([]);
    });
  });

  describe('reservations', () => {
    beforeEach(async () => {
      await driver.done(adjust('S1/A', 100));
      await driver.done(adjust('S2/B', 100));
    });

    it('are known by their id, with the events of their life', async () => {
      await driver.done(reserve('r1', { 'S1/A': 5, 'S2/B': 1 }, { ttlMs: 1_000, reference: 'o' }));
      await driver.done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 9_000 });
      await driver.done(commit('r1', { 'S1/A': 2 }));
      expect(await driver.repository.reservation('r1')).toEqual({
        id: 'r1',
        version: 3,
        status: 'active',
        reference: 'o',
        createdAt: START,
        expiresAt: START + 9_000,
        retainUntil: null,
        lines: [
          { ...named('S1/A'), qty: 5, held: 3, committed: 2, released: 0, expired: 0 },
          { ...named('S2/B'), qty: 1, held: 1, committed: 0, released: 0, expired: 0 },
        ],
        sequences: [3, 4, 5],
      });
    });

    it('still answer when they are closed, with the end of their retention', async () => {
      await driver.done(reserve('r1', { 'S1/A': 5 }));
      await driver.done(commit('r1'));
      expect(await driver.repository.reservation('r1')).toMatchObject({
        status: 'committed',
        retainUntil: START + CLOSED_RETENTION_MS,
        sequences: [3, 4],
      });
    });

    it('are listed by reference in id order, page by page, the closed ones too', async () => {
      for (const id of ['r3', 'r1', 'r4', 'r2']) {
        await driver.done(reserve(id, { 'S1/A': 1 }, { reference: 'order-1' }));
      }
      await driver.done(reserve('r0', { 'S1/A': 1 }, { reference: 'order-2' }));
      await driver.done(reserve('r5', { 'S1/A': 1 }));
      await driver.done(commit('r2'));
      const page = async (after: string | undefined, limit: number) =>
        (await driver.repository.reservationsOf('order-1', { after, limit })).map(({ id }) => id);
      expect(await page(undefined, 100)).toEqual(['r1', 'r2', 'r3', 'r4']);
      expect(await page(undefined, 2)).toEqual(['r1', 'r2']);
      expect(await page('r2', 1)).toEqual(['r3']);
      expect(await page('r4', 1)).toEqual([]);
      expect(idsOf(await driver.repository.reservationsOf('order-2', ALL))).toEqual(['r0']);
      expect(await driver.repository.reservationsOf('null', ALL)).toEqual([]);
    });
  });

  describe('holds', () => {
    beforeEach(async () => {
      await driver.done(adjust('S1/A', 100));
      await driver.done(adjust('S2/B', 100));
      await driver.done(reserve('r5', { 'S1/A': 1 }));
      await driver.done(reserve('r4', { 'S1/A': 1 }));
      await driver.done(reserve('r3', { 'S1/A': 1, 'S2/B': 1 }, { ttlMs: 3_000 }));
      await driver.done(reserve('r2', { 'S1/A': 1 }, { ttlMs: 1_000 }));
      await driver.done(reserve('r1', { 'S1/A': 1 }, { ttlMs: 3_000 }));
      await driver.done(reserve('r0', { 'S2/B': 1 }, { ttlMs: 2_000 }));
    });

    it('of a record come soonest expiry first, then by id, those without one last', async () => {
      const page = async (after: StoredReservation | undefined, limit: number) =>
        await driver.repository.holdsOf(A, { after, limit });
      const all = await page(undefined, 100);
      expect(idsOf(all)).toEqual(['r2', 'r1', 'r3', 'r4', 'r5']);
      expect(idsOf(await page(undefined, 2))).toEqual(['r2', 'r1']);
      expect(idsOf(await page(all[1], 2))).toEqual(['r3', 'r4']);
      expect(idsOf(await page(all[3], 2))).toEqual(['r5']);
      expect(idsOf(await page(all[4], 2))).toEqual([]);
      expect(idsOf(await driver.repository.holdsOf(B, ALL))).toEqual(['r0', 'r3']);
    });

    it('end behind the only one', async () => {
      await driver.done(adjust('S3/C', 1));
      await driver.done(reserve('r9', { 'S3/C': 1 }, { ttlMs: 1_000, reference: 'order-9' }));
      const key = 'S3/C' as StockKey;
      const [only] = await driver.repository.holdsOf(key, ALL);
      expect(only?.id).toBe('r9');
      expect(await driver.repository.holdsOf(key, { after: only, limit: 1 })).toEqual([]);
      const page = { after: 'r9', limit: 1 };
      expect(await driver.repository.reservationsOf('order-9', page)).toEqual([]);
    });

    it('are behind a place also when whoever stood there is gone', async () => {
      const [, second] = await driver.repository.holdsOf(A, ALL);
      await driver.done(commit('r1'));
      const rest = await driver.repository.holdsOf(A, { after: second, limit: 100 });
      expect(idsOf(rest)).toEqual(['r3', 'r4', 'r5']);
    });

    it('move with their expiry, and go when they are closed or hold no more of it', async () => {
      await driver.done({ type: 'ExtendReservation', reservationId: 'r2', ttlMs: 9_000 });
      await driver.done({ type: 'ExtendReservation', reservationId: 'r5', ttlMs: 500 });
      expect(idsOf(await driver.repository.holdsOf(A, ALL))).toEqual([
        'r5',
        'r1',
        'r3',
        'r2',
        'r4',
      ]);
      await driver.done(commit('r3', { 'S1/A': 1 }));
      await driver.done(commit('r1'));
      expect(idsOf(await driver.repository.holdsOf(A, ALL))).toEqual(['r5', 'r2', 'r4']);
      expect(idsOf(await driver.repository.holdsOf(B, ALL))).toEqual(['r0', 'r3']);
    });

    it('are due from their expiry on, soonest first, up to a limit', async () => {
      const due = async (at: number, limit = 100) =>
        idsOf(await driver.repository.dueHolds(at, limit));
      expect(await due(START + 999)).toEqual([]);
      expect(await due(START + 1_000)).toEqual(['r2']);
      expect(await due(START + 3_000)).toEqual(['r2', 'r0', 'r1', 'r3']);
      expect(await due(START + 3_000, 2)).toEqual(['r2', 'r0']);
    });

    it('say when the next one falls due', async () => {
      expect(await driver.repository.nextExpiry()).toBe(START + 1_000);
      driver.clock.advance(2_500);
      await driver.expired();
      expect(await driver.repository.nextExpiry()).toBe(START + 3_000);
      driver.clock.advance(2_500);
      await driver.expired();
      expect(await driver.repository.nextExpiry()).toBeUndefined();
      expect(idsOf(await driver.repository.holdsOf(A, ALL))).toEqual(['r4', 'r5']);
    });

    it('are seen soonest first by a transaction, those included that wait for the disk', async () => {
      const waiting = await Promise.all([
        driver.begun(reserve('r6', { 'S1/A': 1 }, { ttlMs: 2_000 })),
        driver.begun(reserve('r7', { 'S1/A': 1 }, { ttlMs: 1 })),
        driver.begun({ type: 'ExtendReservation', reservationId: 'r2', ttlMs: 2_500 }),
        driver.begun({ type: 'ExtendReservation', reservationId: 'r4', ttlMs: 9_000 }),
        driver.begun(commit('r1')),
      ]);
      const seen = await driver.newest(({ state, at }) => ({
        order: [...state.expiringHolds(A)].map(({ id }) => id),
        due: [state.mayHaveDue(at), state.mayHaveDue(at + 1)],
      }));
      expect(seen).toEqual({ order: ['r7', 'r6', 'r2', 'r3', 'r4'], due: [false, true] });
      for (const { durable } of waiting) await durable;
    });
  });
}
