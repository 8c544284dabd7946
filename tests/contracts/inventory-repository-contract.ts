import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namedRecords, namedReservation } from '../../src/application/lock-scope.js';
import type {
  InventoryRepository,
  Transacted,
  Transaction,
  TransactionScope,
} from '../../src/application/ports.js';
import type { AdjustStock, Command } from '../../src/domain/commands.js';
import { decideExpiry } from '../../src/domain/decide-reservation.js';
import { decide } from '../../src/domain/decide.js';
import type { AnsweredRequest, EventDraft, InventoryEvent } from '../../src/domain/events.js';
import { liveKey } from '../../src/domain/evolve.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import type { StoredReservation } from '../../src/domain/stock.js';
import { named, START } from '../support/facts.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';

/** A driver under test, on data that nobody else uses. */
export interface RepositoryHarness {
  readonly repository: InventoryRepository;
  /** Closes it and opens the same data again; only asked of a driver that outlives its process. */
  reopen(): Promise<InventoryRepository>;
  /** Lets go of everything, and leaves nothing behind. */
  dispose(): Promise<void>;
}

export interface ContractOptions {
  readonly name: string;
  /** Whether the data outlives the repository. */
  readonly reopens: boolean;
  /** Opens a fresh driver whose record time follows `clock`. */
  readonly open: (clock: FakeClock) => Promise<RepositoryHarness>;
}

const RETENTION_MS = 10_000;
const A = 'S1/A' as StockKey;
const ALL = { after: undefined, limit: 1_000 };

/** What every driver of InventoryRepository promises; see application/ports.ts. */
export function describeInventoryRepositoryContract(options: ContractOptions): void {
  describe(`the inventory repository contract, kept by ${options.name}`, () => {
    let clock: FakeClock;
    let harness: RepositoryHarness;
    let repository: InventoryRepository;

    beforeEach(async () => {
      clock = createFakeClock();
      harness = await options.open(clock);
      ({ repository } = harness);
    });

    afterEach(async () => {
      await harness.dispose();
    });

    async function transact<T>(
      work: (tx: Transaction) => T,
      scope: TransactionScope = { records: [A] },
    ): Promise<Transacted<T>> {
      return await repository.transact(work, scope);
    }

    /** Decides and appends; resolves when that is durable. */
    async function done(command: Command, request?: AnsweredRequest): Promise<InventoryEvent> {
      const { result, durable } = await begun(command, request);
      await durable;
      return result;
    }

    async function begun(
      command: Command,
      request?: AnsweredRequest,
    ): Promise<Transacted<InventoryEvent>> {
      return await transact((tx) => tx.append(decided(tx, command), request), scopeOf(command));
    }

    async function expired(): Promise<InventoryEvent> {
      const due = await repository.dueHolds(repository.now(), 100);
      const records = due.flatMap(({ lines }) => lines.map(stockKey));
      const { result, durable } = await transact(
        (tx) => tx.append(decideExpiry(due, circumstances(tx))),
        { records },
      );
      await durable;
      return result;
    }

    async function newest<T>(look: (tx: Transaction) => T): Promise<T> {
      const { result, durable } = await transact(look);
      await durable;
      return result;
    }

    describe('an empty repository', () => {
      it('knows nothing, and says so', async () => {
        expect(repository.durableSequence()).toBe(0);
        expect(await repository.record(A)).toBeUndefined();
        expect(await repository.recordsOf('S1', ALL)).toEqual([]);
        expect(await repository.reservation('r1')).toBeUndefined();
        expect(await repository.reservationsOf('order-1', ALL)).toEqual([]);
        expect(await repository.holdsOf(A, ALL)).toEqual([]);
        expect(await repository.dueHolds(START + 1e12, 10)).toEqual([]);
        expect(await repository.nextExpiry()).toBeUndefined();
        expect(await repository.eventsAfter(0, 10)).toEqual([]);
      });
    });

    describe('a transaction', () => {
      it('gives events their places: 1, 2, 3, and no gap after a refusal', async () => {
        const first = await done(adjust('S1/A', 5));
        const second = await done(adjust('S1/A', -9), request('k'));
        const third = await done(adjust('S1/A', 1));
        expect([first, second, third].map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
        expect(second.refusal?.code).toBe('insufficient-stock');
      });

      it('shows in its state what it has appended already', async () => {
        const { result, durable } = await transact((tx) => {
          tx.append(decided(tx, adjust('S1/A', 5)));
          tx.append(decided(tx, adjust('S1/A', 2)));
          return tx.state.record(A);
        });
        await durable;
        expect(result).toMatchObject({ onHand: 7, version: 2, sequence: 2 });
        expect(await repository.record(A)).toEqual(result);
      });

      it('shows the next one what is not durable yet', async () => {
        const { durable } = await begun(adjust('S1/A', 5));
        const seen = await transact((tx) => tx.state.record(A)?.onHand);
        expect(seen.result).toBe(5);
        await Promise.all([durable, seen.durable]);
      });

      it('runs alone: a hundred at once lose nothing', async () => {
        await done(adjust('S1/A', 1));
        const all = Array.from({ length: 100 }, () => done(adjust('S1/A', 1)));
        const sequences = (await Promise.all(all)).map(({ sequence }) => sequence);
        expect([...sequences].sort((a, b) => a - b)).toEqual(
          Array.from({ length: 100 }, (_, index) => index + 2),
        );
        expect(await repository.record(A)).toMatchObject({ onHand: 101, version: 101 });
      });

      it('may append nothing', async () => {
        const { result, durable } = await transact(() => 'looked');
        await durable;
        expect(result).toBe('looked');
        expect(repository.durableSequence()).toBe(0);
      });

      it('leaves nothing behind when its work throws, also of what it had appended', async () => {
        await done(adjust('S1/A', 5));
        const failed = transact((tx) => {
          tx.append(decided(tx, adjust('S1/A', 2)), request('k'));
          tx.append(decided(tx, reserve('r1', { 'S1/A': 1 }, { ttlMs: 1_000 })));
          throw new Error('a defect');
        });
        await expect(failed).rejects.toThrow('a defect');

        const after = await newest(({ at, state }) => ({
          record: state.record(A),
          reservation: state.reservation('r1'),
          key: liveKey(state, 'k', at),
          holds: [...state.expiringHolds(A)],
          due: state.mayHaveDue(at + 1_000),
        }));
        expect(after).toMatchObject({ record: { onHand: 5, version: 1 }, holds: [], due: false });
        expect([after.reservation, after.key]).toEqual([undefined, undefined]);
        const next = await done(adjust('S1/A', 1));
        expect(next.sequence).toBe(2);
        expect(await repository.eventsAfter(0, 10)).toHaveLength(2);
        expect(await repository.nextExpiry()).toBeUndefined();
      });

      it('takes back only its own appends, not those before it that wait for the disk', async () => {
        const before = await begun(reserveAfterStock('r1'));
        await expect(
          transact((tx) => {
            tx.append(decided(tx, { type: 'ReleaseReservation', reservationId: 'r1' }));
            throw new Error('a defect');
          }),
        ).rejects.toThrow('a defect');
        const held = await newest(({ state }) => state.reservation('r1')?.status);
        expect(held).toBe('active');
        await before.durable;
        expect(await repository.reservation('r1')).toMatchObject({ status: 'active', version: 1 });
      });

      it('refuses an event that breaks the one rule, loudly, and leaves nothing behind', async () => {
        await done(adjust('S1/A', 5));
        const stale = await newest((tx) => decided(tx, adjust('S1/A', 1)));
        await done(adjust('S1/A', 1));
        await expect(transact((tx) => tx.append(stale))).rejects.toThrow('superseded');
        expect(await repository.record(A)).toMatchObject({ onHand: 6, version: 2 });
        expect(repository.durableSequence()).toBe(2);
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
        const { result, durable } = await begun(adjust('S1/A', 5));
        const seen = await repository.record(A);
        if (repository.durableSequence() < result.sequence) expect(seen).toBeUndefined();
        await durable;
        expect(repository.durableSequence()).toBe(1);
        expect(await repository.record(A)).toMatchObject({ onHand: 5, version: 1 });
        expect(await repository.eventsAfter(0, 10)).toHaveLength(1);
      });

      it('covers what a transaction only looked at', async () => {
        const { durable } = await begun(adjust('S1/A', 5));
        const looked = await transact((tx) => tx.state.record(A));
        await looked.durable;
        expect(repository.durableSequence()).toBe(1);
        await durable;
      });

      it('never shows a reader less than it showed before', async () => {
        const writes = Array.from({ length: 200 }, () => done(adjust('S1/A', 1)));
        let last = 0;
        const everything = Promise.all(writes).then(() => 'written');
        while ((await Promise.race([everything, turn()])) !== 'written') {
          const sequence = repository.durableSequence();
          const version = (await repository.record(A))?.version ?? 0;
          expect(version).toBeGreaterThanOrEqual(Math.max(last, sequence));
          expect(version).toBeLessThanOrEqual(repository.durableSequence());
          last = version;
        }
        expect((await repository.record(A))?.version).toBe(200);
      });
    });

    describe('record time', () => {
      it('is the time of all that one transaction appends', async () => {
        clock.advance(1_234);
        const { result, durable } = await transact((tx) => [
          tx.at,
          tx.append(decided(tx, adjust('S1/A', 5))).at,
          tx.append(decided(tx, adjust('S1/A', 5))).at,
        ]);
        await durable;
        expect(result).toEqual([START + 1_234, START + 1_234, START + 1_234]);
        expect(await repository.record(A)).toMatchObject({ updatedAt: START + 1_234 });
      });

      it('never goes back, whatever the wall clock does', async () => {
        clock.advance(500);
        const before = await done(adjust('S1/A', 1));
        clock.jump(-86_400_000);
        const after = await done(adjust('S1/A', 1));
        expect(after.at).toBe(before.at);
        clock.advance(100);
        const later = await done(adjust('S1/A', 1));
        expect(later.at).toBe(before.at + 100);
        expect(repository.now()).toBe(later.at);
      });
    });

    describe('records', () => {
      it('are read one by one, with the head of their history', async () => {
        await done(adjust('S1/A', 5));
        await done(reserve('r1', { 'S1/A': 2 }));
        expect(await repository.record(A)).toEqual({
          ...named('S1/A'),
          ...{ onHand: 5, reserved: 2, version: 2, updatedAt: START, sequence: 2 },
        });
        expect(await repository.record('S1/B' as StockKey)).toBeUndefined();
      });

      it('are listed by store in SKU order, page by page', async () => {
        for (const sku of ['b', 'B', 'A 10', 'A', 'a.b', '9']) await done(adjust(`S1/${sku}`, 1));
        await done(adjust('S2/X', 1));
        const order = ['9', 'A', 'A 10', 'B', 'a.b', 'b'];
        const page = async (after: string | undefined, limit: number) =>
          (await repository.recordsOf('S1', { after, limit })).map(({ sku }) => sku);
        expect(await page(undefined, 100)).toEqual(order);
        expect(await page(undefined, 2)).toEqual(order.slice(0, 2));
        expect(await page('A', 2)).toEqual(order.slice(2, 4));
        expect(await page('a.b', 100)).toEqual(['b']);
        expect(await page('b', 100)).toEqual([]);
        expect(await page('AA', 1)).toEqual(['B']);
        expect(await repository.recordsOf('S3', ALL)).toEqual([]);
      });
    });

    describe('reservations', () => {
      beforeEach(async () => {
        await done(adjust('S1/A', 100));
        await done(adjust('S2/B', 100));
      });

      it('are known by their id, with the events of their life', async () => {
        await done(reserve('r1', { 'S1/A': 5, 'S2/B': 1 }, { ttlMs: 1_000, reference: 'o' }));
        await done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 9_000 });
        await done(commit('r1', { 'S1/A': 2 }));
        expect(await repository.reservation('r1')).toEqual({
          ...{ id: 'r1', version: 3, status: 'active', reference: 'o', createdAt: START },
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
        await done(reserve('r1', { 'S1/A': 5 }));
        await done(commit('r1'));
        expect(await repository.reservation('r1')).toMatchObject({
          ...{ status: 'committed', retainUntil: START + RETENTION_MS, sequences: [3, 4] },
        });
      });

      it('are listed by reference in id order, page by page, the closed ones too', async () => {
        for (const id of ['r3', 'r1', 'r4', 'r2']) {
          await done(reserve(id, { 'S1/A': 1 }, { reference: 'order-1' }));
        }
        await done(reserve('r0', { 'S1/A': 1 }, { reference: 'order-2' }));
        await done(reserve('r5', { 'S1/A': 1 }));
        await done(commit('r2'));
        const page = async (after: string | undefined, limit: number) =>
          (await repository.reservationsOf('order-1', { after, limit })).map(({ id }) => id);
        expect(await page(undefined, 100)).toEqual(['r1', 'r2', 'r3', 'r4']);
        expect(await page(undefined, 2)).toEqual(['r1', 'r2']);
        expect(await page('r2', 1)).toEqual(['r3']);
        expect(await page('r4', 1)).toEqual([]);
        expect(idsOf(await repository.reservationsOf('order-2', ALL))).toEqual(['r0']);
        expect(await repository.reservationsOf('null', ALL)).toEqual([]);
      });
    });

    describe('holds', () => {
      beforeEach(async () => {
        await done(adjust('S1/A', 100));
        await done(adjust('S2/B', 100));
        await done(reserve('r5', { 'S1/A': 1 }));
        await done(reserve('r4', { 'S1/A': 1 }));
        await done(reserve('r3', { 'S1/A': 1, 'S2/B': 1 }, { ttlMs: 3_000 }));
        await done(reserve('r2', { 'S1/A': 1 }, { ttlMs: 1_000 }));
        await done(reserve('r1', { 'S1/A': 1 }, { ttlMs: 3_000 }));
        await done(reserve('r0', { 'S2/B': 1 }, { ttlMs: 2_000 }));
      });

      it('of a record come soonest expiry first, then by id, those without one last', async () => {
        const page = async (after: StoredReservation | undefined, limit: number) =>
          await repository.holdsOf(A, { after, limit });
        const all = await page(undefined, 100);
        expect(idsOf(all)).toEqual(['r2', 'r1', 'r3', 'r4', 'r5']);
        expect(idsOf(await page(undefined, 2))).toEqual(['r2', 'r1']);
        expect(idsOf(await page(all[1], 2))).toEqual(['r3', 'r4']);
        expect(idsOf(await page(all[3], 2))).toEqual(['r5']);
        expect(idsOf(await page(all[4], 2))).toEqual([]);
        expect(idsOf(await repository.holdsOf('S2/B' as StockKey, ALL))).toEqual(['r0', 'r3']);
      });

      it('are behind a place also when whoever stood there is gone', async () => {
        const [, second] = await repository.holdsOf(A, ALL);
        await done(commit('r1'));
        const rest = await repository.holdsOf(A, { after: second, limit: 100 });
        expect(idsOf(rest)).toEqual(['r3', 'r4', 'r5']);
      });

      it('move with their expiry, and go when they are closed or hold no more of it', async () => {
        await done({ type: 'ExtendReservation', reservationId: 'r2', ttlMs: 9_000 });
        await done({ type: 'ExtendReservation', reservationId: 'r5', ttlMs: 500 });
        expect(idsOf(await repository.holdsOf(A, ALL))).toEqual(['r5', 'r1', 'r3', 'r2', 'r4']);
        await done(commit('r3', { 'S1/A': 1 }));
        await done(commit('r1'));
        expect(idsOf(await repository.holdsOf(A, ALL))).toEqual(['r5', 'r2', 'r4']);
        expect(idsOf(await repository.holdsOf('S2/B' as StockKey, ALL))).toEqual(['r0', 'r3']);
      });

      it('are due from their expiry on, soonest first, up to a limit', async () => {
        const due = async (at: number, limit = 100) => idsOf(await repository.dueHolds(at, limit));
        expect(await due(START + 999)).toEqual([]);
        expect(await due(START + 1_000)).toEqual(['r2']);
        expect(await due(START + 3_000)).toEqual(['r2', 'r0', 'r1', 'r3']);
        expect(await due(START + 3_000, 2)).toEqual(['r2', 'r0']);
      });

      it('say when the next one falls due', async () => {
        expect(await repository.nextExpiry()).toBe(START + 1_000);
        clock.advance(2_500);
        await expired();
        expect(await repository.nextExpiry()).toBe(START + 3_000);
        clock.advance(2_500);
        await expired();
        expect(await repository.nextExpiry()).toBeUndefined();
        expect(idsOf(await repository.holdsOf(A, ALL))).toEqual(['r4', 'r5']);
      });

      it('are seen soonest first by a transaction, those included that wait for the disk', async () => {
        const waiting = await Promise.all([
          begun(reserve('r6', { 'S1/A': 1 }, { ttlMs: 2_000 })),
          begun(reserve('r7', { 'S1/A': 1 }, { ttlMs: 1 })),
          begun({ type: 'ExtendReservation', reservationId: 'r2', ttlMs: 2_500 }),
          begun({ type: 'ExtendReservation', reservationId: 'r4', ttlMs: 9_000 }),
          begun(commit('r1')),
        ]);
        const seen = await newest(({ state, at }) => ({
          order: [...state.expiringHolds(A)].map(({ id }) => id),
          due: [state.mayHaveDue(at), state.mayHaveDue(at + 1)],
        }));
        expect(seen).toEqual({ order: ['r7', 'r6', 'r2', 'r3', 'r4'], due: [false, true] });
        for (const { durable } of waiting) await durable;
      });
    });

    describe('events', () => {
      it('are read as they were appended, whatever they carry', async () => {
        const appended = [
          await done({
            ...adjust('S1/A', 9),
            reason: 'a "quoted"\n\u001b[31mline',
            reference: '€',
          }),
          await done({ type: 'CountStock', ...named('S1/A'), onHand: 7 }, request('k1')),
          await done(reserve('r1', { 'S1/A': 3 }, { ttlMs: 1_000, reference: 'order-1' })),
          await done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 2_000 }),
          await done(commit('r1', { 'S1/A': 1 })),
          await done({ type: 'ReleaseLine', ...named('S1/A'), reservationId: 'r1', qty: 1 }),
          await done(transfer('S1', 'S2', 'A', 2)),
          await done(reserve('r2', { 'S1/A': 100 }), {
            ...request('k2'),
            ...{ requestId: 'request-1', instance: '/api/reservations' },
          }),
          await done({
            type: 'BatchStock',
            operations: [
              { type: 'AdjustStock', ...named('S1/A'), delta: 1, reason: 'found' },
              { type: 'ReserveStock', reservationId: 'r3', lines: [{ ...named('S1/A'), qty: 1 }] },
            ],
          }),
        ];
        clock.advance(2_000);
        appended.push(await expired());
        const types = appended.map(({ type }) => type);
        expect(new Set(types).size).toBe(10);
        expect(await repository.eventsAfter(0, 100)).toEqual(appended);
        for (const event of appended) {
          expect(await repository.event(event.sequence)).toEqual(event);
        }
      });

      it('come in order, behind a sequence and up to a limit', async () => {
        for (let index = 0; index < 6; index += 1) await done(adjust('S1/A', 1));
        const page = async (after: number, limit: number) =>
          (await repository.eventsAfter(after, limit)).map(({ sequence }) => sequence);
        expect(await page(0, 100)).toEqual([1, 2, 3, 4, 5, 6]);
        expect(await page(0, 2)).toEqual([1, 2]);
        expect(await page(3, 2)).toEqual([4, 5]);
        expect(await page(5, 100)).toEqual([6]);
        expect(await page(6, 100)).toEqual([]);
        expect(await page(99, 100)).toEqual([]);
      });

      it('link every record to its history, and only to that', async () => {
        await done(adjust('S1/A', 5));
        await done(adjust('S1/B', 5));
        await done(reserve('r1', { 'S1/A': 1, 'S1/B': 1 }));
        await done(adjust('S1/B', 5));
        await done(commit('r1', { 'S1/A': 1 }));
        const chain: number[] = [];
        let sequence = (await repository.record(A))?.sequence ?? 0;
        while (sequence > 0) {
          chain.push(sequence);
          const { lines } = await repository.event(sequence);
          sequence = lines.find((line) => stockKey(line) === A)?.previousSequence ?? -1;
        }
        expect(chain).toEqual([5, 3, 1]);
      });
    });

    describe('idempotency keys', () => {
      it('are live until their recorded end, and then free again', async () => {
        await done(adjust('S1/A', 5), request('k', START + 1_000));
        const live = () => newest(({ state, at }) => liveKey(state, 'k', at));
        const entry = { fingerprint: 'f-k', sequence: 1, until: START + 1_000 };
        expect(await live()).toEqual(entry);
        clock.advance(999);
        expect(await live()).toEqual(entry);
        await expect(done(adjust('S1/A', 1), request('k'))).rejects.toThrow('key-used');
        clock.advance(1);
        expect(await live()).toBeUndefined();
        await done(adjust('S1/A', 1), request('k', START + 9_000));
        expect(await live()).toMatchObject({ sequence: 2, until: START + 9_000 });
      });

      it('are counted, and a full table of dead ones recovers without any event', async () => {
        for (let index = 0; index < 20; index += 1) {
          await done(adjust('S1/A', 1), request(`k${index}`, START + 1_000));
        }
        expect(await newest(({ state }) => state.keyCount)).toBe(20);
        clock.advance(1_000);
        for (let tries = 0; tries < 20; tries += 1) await newest(() => undefined);
        expect(await newest(({ state }) => state.keyCount)).toBe(0);
        expect(repository.durableSequence()).toBe(20);
      });

      it('of a refusal are kept like any other', async () => {
        await done(adjust('S1/A', -5), request('k'));
        expect(await newest(({ state, at }) => liveKey(state, 'k', at))).toMatchObject({
          sequence: 1,
        });
      });
    });

    describe('closing', () => {
      it('waits for what is pending, and takes nothing new', async () => {
        const { durable } = await begun(adjust('S1/A', 5));
        let isDurable = durable === undefined;
        void durable?.then(() => (isDurable = true));
        await repository.close();
        expect(isDurable).toBe(true);
        await expect(transact(() => 'late')).rejects.toMatchObject({
          ...{ name: 'UnavailableError', code: 'shutting-down' },
        });
      });

      it('refuses from the first moment on, while it still waits', async () => {
        const { durable } = await begun(adjust('S1/A', 5));
        const closed = repository.close();
        await expect(transact(() => 'late')).rejects.toMatchObject({ code: 'shutting-down' });
        await Promise.all([closed, durable]);
      });
    });

    describe.runIf(options.reopens)('opened again', () => {
      it('is the same in every respect', async () => {
        await liveThroughEverything();
        const before = await everything();
        repository = await harness.reopen();
        expect(await everything()).toEqual(before);
      });

      it('goes on where it was: sequence, time, versions and keys', async () => {
        clock.advance(5_000);
        await done(adjust('S1/A', 5), request('k', START + 60_000));
        repository = await harness.reopen();
        await expect(done(adjust('S1/A', 1), request('k'))).rejects.toThrow('key-used');
        const next = await done(adjust('S1/A', 1));
        expect(next).toMatchObject({ sequence: 2, lines: [{ version: 2, previousSequence: 1 }] });
        expect(next.at).toBeGreaterThanOrEqual(START + 5_000);
      });

      it('continues from the log where the wall clock has fallen behind it', async () => {
        clock.advance(5_000);
        const last = await done(adjust('S1/A', 5));
        clock.jump(-86_400_000);
        repository = await harness.reopen();
        const next = await done(adjust('S1/A', 5));
        expect(next.at).toBeGreaterThanOrEqual(last.at);
        expect(next.at).toBeLessThan(last.at + 60_000);
      });

      it('has nothing of a transaction whose work threw', async () => {
        await done(adjust('S1/A', 5));
        await expect(
          transact((tx) => {
            tx.append(decided(tx, adjust('S1/A', 2)));
            throw new Error('a defect');
          }),
        ).rejects.toThrow('a defect');
        await done(adjust('S1/A', 1));
        repository = await harness.reopen();
        expect(await repository.record(A)).toMatchObject({ onHand: 6, version: 2, sequence: 2 });
      });

      async function liveThroughEverything(): Promise<void> {
        await done(adjust('S1/A', 50), request('k1', START + 60_000));
        await done(adjust('S2/B', 50));
        await done(reserve('r1', { 'S1/A': 5, 'S2/B': 1 }, { ttlMs: 3_000, reference: 'o1' }));
        await done(reserve('r2', { 'S1/A': 5 }, { ttlMs: 1_000, reference: 'o1' }));
        await done(reserve('r3', { 'S1/A': 5 }, { reference: 'o2' }), request('k2', START + 1_500));
        await done(commit('r3', { 'S1/A': 1 }));
        await done(reserve('r4', { 'S2/B': 2 }));
        await done({ type: 'ReleaseReservation', reservationId: 'r4' });
        await done({ type: 'ExtendReservation', reservationId: 'r1', ttlMs: 8_000 });
        await done(transfer('S1', 'S3', 'A', 3));
        await done(adjust('S1/A', -999), request('k3', START + 60_000));
        clock.advance(2_000);
        await expired();
        for (let index = 0; index < 150; index += 1) await done(adjust('S3/A', 1));
      }

      async function everything() {
        const stores = ['S1', 'S2', 'S3', 'S4'];
        const keys = ['S1/A', 'S2/B', 'S3/A'] as StockKey[];
        const all = <T, U>(items: readonly T[], read: (item: T) => U | Promise<U>) =>
          Promise.all(items.map(async (item) => await read(item)));
        return {
          sequence: repository.durableSequence(),
          events: await repository.eventsAfter(0, 1_000),
          records: await all(keys, (key) => repository.record(key)),
          lists: await all(stores, (store) => repository.recordsOf(store, ALL)),
          reservations: await all(['r1', 'r2', 'r3', 'r4', 'r5'], (id) =>
            repository.reservation(id),
          ),
          references: await all(['o1', 'o2'], (each) => repository.reservationsOf(each, ALL)),
          holds: await all(keys, (key) => repository.holdsOf(key, ALL)),
          due: await repository.dueHolds(START + 1e9, 100),
          nextExpiry: await repository.nextExpiry(),
          keys: await newest(({ state, at }) =>
            ['k1', 'k2', 'k3'].map((k) => liveKey(state, k, at)),
          ),
          seen: await newest(({ state }) =>
            keys.map((key) => [...state.expiringHolds(key)].map(({ id }) => id)),
          ),
        };
      }
    });
  });
}

/** Resolves when what has already arrived on the event loop has been served. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function circumstances(tx: Transaction) {
  return { state: tx.state, at: tx.at, reservationRetentionMs: RETENTION_MS };
}

function decided(tx: Transaction, command: Command): EventDraft {
  return decide(command, circumstances(tx));
}

function scopeOf(command: Command): TransactionScope {
  const reservationId = namedReservation(command);
  const records = namedRecords(command);
  return reservationId === undefined ? { records } : { records, reservationId };
}

function adjust(key: string, delta: number): AdjustStock {
  return { type: 'AdjustStock', ...named(key), delta };
}

function reserve(
  reservationId: string,
  units: Readonly<Record<string, number>>,
  more: { ttlMs?: number; reference?: string } = {},
): Command {
  const lines = Object.entries(units).map(([key, qty]) => ({ ...named(key), qty }));
  return { type: 'ReserveStock', reservationId, lines, ...more };
}

function commit(reservationId: string, units?: Readonly<Record<string, number>>): Command {
  if (units === undefined) return { type: 'CommitReservation', reservationId };
  const lines = Object.entries(units).map(([key, qty]) => ({ ...named(key), qty }));
  return { type: 'CommitReservation', reservationId, lines };
}

function transfer(from: string, to: string, sku: string, qty: number): Command {
  return { type: 'TransferStock', from, to, lines: [{ sku, qty }] };
}

function request(key: string, keyUntil = START + 60_000): AnsweredRequest {
  return { key, fingerprint: `f-${key}`, keyUntil };
}

function idsOf(reservations: readonly StoredReservation[]): string[] {
  return reservations.map(({ id }) => id);
}
