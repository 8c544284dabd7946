import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type InventoryService,
  type Outcome,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import type { InventoryRepository } from '../../src/application/ports.js';
import type { Command } from '../../src/domain/commands.js';
import type { RefusalCode } from '../../src/domain/errors.js';
import { type StockKey, type StockName, stockKey } from '../../src/domain/keys.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';
import { type SeededRandom, chosenSeed, createSeededRandom } from '../support/seeded-random.js';
import type { OpenHarness, RepositoryHarness } from './repository-under-test.js';

export interface RaceOptions {
  readonly name: string;
  readonly rounds: number;
  readonly open: OpenHarness;
  /** How many turns of the loop a client may be behind another: about what a decision takes. */
  readonly hesitation?: number;
}

const A = { storeId: 'S1', sku: 'A' };
const B = { storeId: 'S2', sku: 'B' };
const C = { storeId: 'S3', sku: 'C' };
const TTL_MS = 50;

/**
 * Clients that want the same thing at the same time. Each has a service of its own, with a mutex of
 * its own: what keeps them apart is the repository alone.
 */
export function describeInventoryRaces(options: RaceOptions): void {
  describe(`clients that race, on ${options.name}`, () => {
    let clock: FakeClock;
    let harness: RepositoryHarness;
    let repository: InventoryRepository;
    let random: SeededRandom;

    beforeEach(async () => {
      const seed = chosenSeed();
      console.info(`${expect.getState().currentTestName ?? ''}: SEED=${seed}`);
      random = createSeededRandom(seed);
      clock = createFakeClock();
      harness = await options.open(clock);
      ({ repository } = harness);
    });

    afterEach(async () => {
      await harness.dispose();
    });

    function client(): InventoryService {
      return createInventoryService({
        repository,
        mutex: createKeyedMutex(),
        idempotencyTtlMs: 60_000,
        idempotencyKeysMax: 1_000,
        reservationRetentionMs: 60_000,
      });
    }

    /** Lets others go first, sometimes. */
    async function hesitate(): Promise<void> {
      for (let left = random.int(options.hesitation ?? 4); left > 0; left -= 1) {
        await (random.chance(0.5) ? turn() : undefined);
      }
    }

    /** Two tasks at once; the one that has been winning begins as many turns later as that takes. */
    async function atOnce<T, U>(
      one: () => Promise<T>,
      other: () => Promise<U>,
      lead: number,
    ): Promise<[T, U]> {
      const late = async <V>(task: () => Promise<V>, turns: number) => {
        for (let left = turns; left > 0; left -= 1) await turn();
        await hesitate();
        return await task();
      };
      return await Promise.all([late(one, lead), late(other, -lead)]);
    }

    async function stockOf(name: StockName) {
      const record = await repository.record(stockKey(name));
      return { onHand: record?.onHand, reserved: record?.reserved };
    }

    it(`commit and expiry: one of them wins, ${options.rounds} times`, async () => {
      const [buyer, timer] = [client(), client()];
      let onHand = options.rounds * 2;
      await buyer.execute({ type: 'CountStock', ...A, onHand });
      const wins = { committed: 0, expired: 0 };
      const handicap = createHandicap();
      for (let round = 0; round < options.rounds; round += 1) {
        const reservationId = `r${round}`;
        await buyer.execute(reserve(reservationId, [{ ...A, qty: 2 }], TTL_MS));

        const [bought] = await atOnce(
          () => buyer.execute({ type: 'CommitReservation', reservationId }),
          async () => {
            clock.advance(TTL_MS);
            await hesitate();
            await timer.settleDue();
          },
          handicap.turns(),
        );

        const winner = refusalOf(bought) === undefined ? 'committed' : 'expired';
        wins[winner] += 1;
        handicap.raceWonBy(winner === 'committed' ? 'one' : 'other');
        if (winner === 'committed') onHand -= 2;
        else expect(refusalOf(bought)).toBe('reservation-not-active');
        expect(await repository.reservation(reservationId)).toMatchObject({ status: winner });
        expect(await stockOf(A)).toEqual({ onHand, reserved: 0 });
      }
      expect(Math.min(wins.committed, wins.expired)).toBeGreaterThan(0);
    });

    it(`commit and release: one of them wins, ${options.rounds} times`, async () => {
      const [buyer, canceller] = [client(), client()];
      let onHand = options.rounds * 2;
      await buyer.execute({ type: 'CountStock', ...A, onHand });
      const wins = { committed: 0, released: 0 };
      const handicap = createHandicap();
      for (let round = 0; round < options.rounds; round += 1) {
        const reservationId = `r${round}`;
        await buyer.execute(reserve(reservationId, [{ ...A, qty: 2 }]));

        const [bought, cancelled] = await atOnce(
          () => buyer.execute({ type: 'CommitReservation', reservationId }),
          () => canceller.execute({ type: 'ReleaseReservation', reservationId }),
          handicap.turns(),
        );

        const refusals = [refusalOf(bought), refusalOf(cancelled)];
        const winner = refusals[0] === undefined ? 'committed' : 'released';
        wins[winner] += 1;
        handicap.raceWonBy(winner === 'committed' ? 'one' : 'other');
        if (winner === 'committed') onHand -= 2;
        expect(refusals.filter((code) => code === 'reservation-not-active')).toHaveLength(1);
        expect(refusals.filter((code) => code === undefined)).toHaveLength(1);
        expect(await repository.reservation(reservationId)).toMatchObject({ status: winner });
        expect(await stockOf(A)).toEqual({ onHand, reserved: 0 });
      }
      expect(Math.min(wins.committed, wins.released)).toBeGreaterThan(0);
    });

    it('200 clients order three lines out of 100 units: all of an order is seen, or none', async () => {
      const lines = [A, B, C].map((name) => ({ ...name, qty: 1 }));
      for (const name of lines) await client().execute(count(name, 100));

      const orders = Array.from({ length: 200 }, async (_, index) => {
        await hesitate();
        const crossed = lines.map((_line, place) => lines[(place + index) % 3]!);
        return await client().execute(reserve(`r${index}`, crossed));
      });
      const outcomes = await readWhile(Promise.all(orders));

      const refused = outcomes.map(refusalOf).filter((code) => code !== undefined);
      expect(refused).toEqual(Array.from({ length: 100 }, () => 'insufficient-stock'));
      for (const name of lines) expect(await stockOf(name)).toEqual({ onHand: 100, reserved: 100 });
    });

    it('200 clients want different amounts: what is reserved is what was promised', async () => {
      const names = [A, B, C];
      for (const name of names) await client().execute(count(name, 100));

      const wanted = Array.from({ length: 200 }, () =>
        names.map((name) => ({ ...name, qty: 1 + random.int(4) })),
      );
      const outcomes = await Promise.all(
        wanted.map(async (lines, index) => {
          await hesitate();
          return await client().execute(reserve(`r${index}`, lines));
        }),
      );

      const promised = wanted.filter((_, index) => refusalOf(outcomes[index]!) === undefined);
      const left = new Map<StockKey, number>();
      for (const [place, name] of names.entries()) {
        const reserved = promised.reduce((sum, lines) => sum + lines[place]!.qty, 0);
        expect(await stockOf(name)).toEqual({ onHand: 100, reserved });
        left.set(stockKey(name), 100 - reserved);
      }
      for (const [index, lines] of wanted.entries()) {
        if (refusalOf(outcomes[index]!) === undefined) continue;
        // Nothing was given back, so whoever was refused would be refused still.
        expect(lines.some((line) => line.qty > left.get(stockKey(line))!)).toBe(true);
      }
    });

    it('a key sent 50 times at once has one effect and one answer', async () => {
      await client().execute(count(A, 100));
      const request = { key: 'k', fingerprint: 'f', requestId: 'request-1', instance: '/api/x' };
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          await hesitate();
          return await client().execute(reserve(`r${index}`, [{ ...A, qty: 1 }]), request);
        }),
      );
      const events = outcomes.map((each) => (each.kind === 'event' ? each.event : undefined));
      expect(new Set(events.map((event) => event?.sequence)).size).toBe(1);
      for (const event of events) expect(event).toEqual(events[0]);
      const first = outcomes.filter((each) => each.kind === 'event' && !each.replayed);
      expect(first).toHaveLength(1);
      expect(await stockOf(A)).toEqual({ onHand: 100, reserved: 1 });
    });

    /** Reads all three records again and again: where no event came between, they agree. */
    async function readWhile<T>(working: Promise<T>): Promise<T> {
      const done = working.then((result) => ({ result }));
      for (;;) {
        const ended = await Promise.race([done, turn()]);
        const before = repository.durableSequence();
        const reserved = [await stockOf(A), await stockOf(B), await stockOf(C)];
        if (repository.durableSequence() === before) {
          expect(new Set(reserved.map((stock) => stock.reserved)).size).toBe(1);
        }
        if (ended !== undefined) return ended.result;
      }
    }
  });
}

/**
 * Keeps a race close, however long the file system takes of the machine's time: who wins begins
 * later the next time, by twice as many turns for every win in a row, and half as many after a loss.
 */
function createHandicap() {
  let turns = 0;
  let step = 1;
  let winner: 'one' | 'other' | undefined;
  return {
    /** By how many turns of the loop the one begins after the other; negative: before it. */
    turns: () => turns,
    raceWonBy(which: 'one' | 'other'): void {
      step = which === winner ? Math.min(step * 2, 1_024) : Math.max(1, step >> 1);
      winner = which;
      turns += which === 'one' ? step : -step;
    },
  };
}

function reserve(
  reservationId: string,
  lines: readonly (StockName & { readonly qty: number })[],
  ttlMs?: number,
): Command {
  return { type: 'ReserveStock', reservationId, lines, ...(ttlMs !== undefined && { ttlMs }) };
}

function count({ storeId, sku }: StockName, onHand: number): Command {
  return { type: 'CountStock', storeId, sku, onHand };
}

function refusalOf(outcome: Outcome): RefusalCode | undefined {
  return outcome.kind === 'refusal' ? outcome.refusal.code : outcome.event.refusal?.code;
}
