import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/domain/commands.js';
import { liveKey } from '../../src/domain/evolve.js';
import { START, named } from '../support/facts.js';
import {
  A,
  type RepositoryUnderTest,
  adjust,
  decided,
  request,
  reserve,
} from './repository-under-test.js';

/** What is promised of writes: their order, their time, and when they are durable. */
export function describeTransactions(driver: RepositoryUnderTest): void {
  describe('a transaction', () => {
    it('gives events their places: 1, 2, 3, and no gap after a refusal', async () => {
      const first = await driver.done(adjust('S1/A', 5));
      const second = await driver.done(adjust('S1/A', -9), request('k'));
      const third = await driver.done(adjust('S1/A', 1));
      expect([first, second, third].map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      expect(second.refusal?.code).toBe('insufficient-stock');
    });

    it('shows in its state what it has appended already', async () => {
      const { result, durable } = await driver.transact((tx) => {
        tx.append(decided(tx, adjust('S1/A', 5)));
        tx.append(decided(tx, adjust('S1/A', 2)));
        return tx.state.record(A);
      });
      await durable;
      expect(result).toMatchObject({ onHand: 7, version: 2, sequence: 2 });
      expect(await driver.repository.record(A)).toEqual(result);
    });

    it('shows the next one what is not durable yet', async () => {
      const { durable } = await driver.begun(adjust('S1/A', 5));
      const seen = await driver.transact((tx) => tx.state.record(A)?.onHand);
      expect(seen.result).toBe(5);
      await Promise.all([durable, seen.durable]);
    });

    it('runs alone: a hundred at once lose nothing', async () => {
      await driver.done(adjust('S1/A', 1));
      const all = Array.from({ length: 100 }, () => driver.done(adjust('S1/A', 1)));
      const sequences = (await Promise.all(all)).map(({ sequence }) => sequence);
      expect([...sequences].sort((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 2),
      );
      expect(await driver.repository.record(A)).toMatchObject({ onHand: 101, version: 101 });
    });

    it('may append nothing', async () => {
      const { result, durable } = await driver.transact(() => 'looked');
      await durable;
      expect(result).toBe('looked');
      expect(driver.repository.durableSequence()).toBe(0);
    });

    it('leaves nothing behind when its work throws, also of what it had appended', async () => {
      await driver.done(adjust('S1/A', 5));
      const failed = driver.transact((tx) => {
        tx.append(decided(tx, adjust('S1/A', 2)), request('k'));
        tx.append(decided(tx, reserve('r1', { 'S1/A': 1 }, { ttlMs: 1_000 })));
        throw new Error('a defect');
      });
      await expect(failed).rejects.toThrow('a defect');

      const after = await driver.newest(({ at, state }) => ({
        record: state.record(A),
        reservation: state.reservation('r1'),
        key: liveKey(state, 'k', at),
        holds: [...state.expiringHolds(A)],
        due: state.mayHaveDue(at + 1_000),
      }));
      expect(after).toMatchObject({ record: { onHand: 5, version: 1 }, holds: [], due: false });
      expect([after.reservation, after.key]).toEqual([undefined, undefined]);
      const next = await driver.done(adjust('S1/A', 1));
      expect(next.sequence).toBe(2);
      expect(await driver.repository.eventsAfter(0, 10)).toHaveLength(2);
      expect(await driver.repository.nextExpiry()).toBeUndefined();
    });

    it('takes back only its own appends, not those before it that wait for the disk', async () => {
      const before = await driver.begun(reserveAfterStock('r1'));
      await expect(
        driver.transact((tx) => {
          tx.append(decided(tx, { type: 'ReleaseReservation', reservationId: 'r1' }));
          throw new Error('a defect');
        }),
      ).rejects.toThrow('a defect');
      const held = await driver.newest(({ state }) => state.reservation('r1')?.status);
      expect(held).toBe('active');
      await before.durable;
      expect(await driver.repository.reservation('r1')).toMatchObject({
        status: 'active',
        version: 1,
      });
    });

    it('refuses an event that breaks the one rule, loudly, and leaves nothing behind', async () => {
      await driver.done(adjust('S1/A', 5));
      const stale = await driver.newest((tx) => decided(tx, adjust('S1/A', 1)));
      await driver.done(adjust('S1/A', 1));
      await expect(driver.transact((tx) => tx.append(stale))).rejects.toThrow('superseded');
      expect(await driver.repository.record(A)).toMatchObject({ onHand: 6, version: 2 });
      expect(driver.repository.durableSequence()).toBe(2);
    });

    /** Stock and a hold of it, as a batch. */
    function reserveAfterStock(reservationId: string): Command {
      return {
        type: 'BatchStock',
        operations: [
          { type: 'AdjustStock', ...named('S1/A'), delta: 5 },
          {
            type: 'ReserveStock',
            reservationId,
            lines: [{ ...named('S1/A'), qty: 1 }],
            ttlMs: 1_000,
          },
        ],
      };
    }
  });

  describe('what is durable', () => {
    it('is there when the promise resolves, and only then do reads show it', async () => {
      const { result, durable } = await driver.begun(adjust('S1/A', 5));
      const seen = await driver.repository.record(A);
      if (driver.repository.durableSequence() < result.sequence) expect(seen).toBeUndefined();
      await durable;
      expect(driver.repository.durableSequence()).toBe(1);
      expect(await driver.repository.record(A)).toMatchObject({ onHand: 5, version: 1 });
      expect(await driver.repository.eventsAfter(0, 10)).toHaveLength(1);
    });

    it('covers what a transaction only looked at', async () => {
      const { durable } = await driver.begun(adjust('S1/A', 5));
      const looked = await driver.transact((tx) => tx.state.record(A));
      await looked.durable;
      expect(driver.repository.durableSequence()).toBe(1);
      await durable;
    });

    it('never shows a reader less than it showed before', async () => {
      const writes = Array.from({ length: 200 }, () => driver.done(adjust('S1/A', 1)));
      let last = 0;
      const everything = Promise.all(writes).then(() => 'written');
      while ((await Promise.race([everything, turn()])) !== 'written') {
        const sequence = driver.repository.durableSequence();
        const version = (await driver.repository.record(A))?.version ?? 0;
        expect(version).toBeGreaterThanOrEqual(Math.max(last, sequence));
        expect(version).toBeLessThanOrEqual(driver.repository.durableSequence());
        last = version;
      }
      expect((await driver.repository.record(A))?.version).toBe(200);
    });
  });

  describe('record time', () => {
    it('is the time of all that one transaction appends', async () => {
      driver.clock.advance(1_234);
      const { result, durable } = await driver.transact((tx) => [
        tx.at,
        tx.append(decided(tx, adjust('S1/A', 5))).at,
        tx.append(decided(tx, adjust('S1/A', 5))).at,
      ]);
      await durable;
      expect(result).toEqual([START + 1_234, START + 1_234, START + 1_234]);
      expect(await driver.repository.record(A)).toMatchObject({ updatedAt: START + 1_234 });
    });

    it('never goes back, whatever the wall clock does', async () => {
      driver.clock.advance(500);
      const before = await driver.done(adjust('S1/A', 1));
      driver.clock.jump(-86_400_000);
      const after = await driver.done(adjust('S1/A', 1));
      expect(after.at).toBe(before.at);
      driver.clock.advance(100);
      const later = await driver.done(adjust('S1/A', 1));
      expect(later.at).toBe(before.at + 100);
      expect(driver.repository.now()).toBe(later.at);
    });
  });

  describe('closing', () => {
    it('waits for what is pending, and takes nothing new', async () => {
      const { durable } = await driver.begun(adjust('S1/A', 5));
      let isDurable = durable === undefined;
      void durable?.then(() => (isDurable = true));
      await driver.repository.close();
      expect(isDurable).toBe(true);
      await expect(driver.transact(() => 'late')).rejects.toMatchObject({
        name: 'UnavailableError',
        code: 'shutting-down',
      });
    });

    it('refuses from the first moment on, while it still waits', async () => {
      const { durable } = await driver.begun(adjust('S1/A', 5));
      const closed = driver.repository.close();
      await expect(driver.transact(() => 'late')).rejects.toMatchObject({ code: 'shutting-down' });
      await Promise.all([closed, durable]);
    });
  });
}

/** Resolves when what has already arrived on the event loop has been served. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
