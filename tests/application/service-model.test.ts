import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type InventoryQueries,
  createInventoryQueries,
} from '../../src/application/inventory-queries.js';
import {
  type InventoryService,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import type { Command } from '../../src/domain/commands.js';
import { IdempotencyKeyReusedError } from '../../src/domain/errors.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import type { StockRecord } from '../../src/domain/stock.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import { createFakeClock } from '../support/fake-clock.js';
import { KnownIds, anyCommand, anyPause, opening } from '../support/random-commands.js';
import { randomRun } from '../support/random-run.js';
import { reportProof } from '../support/proof-figures.js';
import { proofScale } from '../support/seeded-random.js';
import { ReferenceModel } from '../support/reference-model.js';
import type { ModelRequest } from '../support/reference-state.js';

/** Every way in which a request can end. */
const ENDINGS = [
  'AdjustStock done',
  'AdjustStock quantity-overflow',
  'BatchStock done',
  'BatchStock insufficient-stock',
  'CommitReservation done',
  'CommitReservation reservation-exceeded',
  'CommitReservation reservation-not-found',
  'CountStock done',
  'CountStock below-reserved',
  'CountStock precondition-failed',
  'ExtendReservation done',
  'ReleaseLine done',
  'ReleaseReservation done',
  'ReleaseReservation reservation-not-active',
  'ReserveStock done',
  'ReserveStock insufficient-stock',
  'ReserveStock stock-not-found',
  'ReserveStock version-conflict',
  'TransferStock done',
  'TransferStock same-store',
  'replayed',
  'reused',
];

const settings = { keyTtlMs: 2_500, retentionMs: 4_000 };

const key = fc.constantFrom('key-1', 'key-2', 'key-3', 'key-4');
const storeId = fc.constantFrom('S1', 'S2');
const sku = fc.constantFrom('A', 'B', 'C D');
const limit = fc.integer({ min: 1, max: 4 });
const place = fc.nat(40);

/** One thing a client does, or time does. */
const anyStep = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('execute' as const),
      command: anyCommand,
      key: fc.option(key, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), place }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: anyPause }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settleDue' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      what: fc.constantFrom(
        ...([
          'record',
          'recordsOf',
          'reservation',
          'reservationsOf',
          'holdsOf',
          'history',
          'recordAfter',
          'recordAt',
        ] as const),
      ),
      storeId,
      sku,
      limit,
      place,
      reference: fc.constantFrom('order-1', 'order-2'),
    }),
  },
);

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
type Read = Extract<Step, { do: 'read' }>;

/** The service and the model of it, side by side. */
class SideBySide {
  readonly seen = new Set<string>();
  private readonly clock = createFakeClock();
  private readonly recordClock = createRecordClock(this.clock, () => undefined);
  private readonly repository = createMemoryInventoryRepository(this.recordClock);
  private readonly service: InventoryService = createInventoryService({
    repository: this.repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: settings.keyTtlMs,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: settings.retentionMs,
  });
  private readonly queries: InventoryQueries = createInventoryQueries(
    this.repository,
    this.service,
  );
  private readonly model = new ReferenceModel(() => this.clock.wallMs(), settings);
  private readonly ids = new KnownIds();
  private readonly asked: { readonly command: Command; readonly request: ModelRequest }[] = [];
  private requests = 0;

  async run(steps: readonly Step[]): Promise<void> {
    for (const command of opening) await this.execute(command, undefined);
    for (const step of steps) await this.take(step);
    for (const store of ['S1', 'S2']) {
      for (const each of ['A', 'B', 'C D']) await this.compareRecord(store, each);
    }
    same((await this.repository.eventsAfter(0, 10_000)).map(comparable), this.model.events);
    expect(this.repository.durableSequence()).toBe(this.model.events.length);
  }

  private async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'execute': {
        const command = this.ids.in(step.command);
        const fingerprint = JSON.stringify(step.command);
        await this.execute(command, step.key && this.request(step.key, fingerprint));
        break;
      }
      case 'repeat': {
        const earlier = this.asked[this.asked.length - 1 - (step.place % 4)];
        if (earlier === undefined) return;
        const { key: sameKey, fingerprint } = earlier.request;
        await this.execute(this.ids.in(earlier.command), this.request(sameKey, fingerprint));
        break;
      }
      case 'wait':
        this.clock.advance(step.ms);
        break;
      case 'settleDue':
        this.model.settleAll();
        expect(await this.service.settleDue()).toBe(false);
        break;
      case 'read':
        await this.read(step);
        break;
    }
  }

  private request(sameKey: string, fingerprint: string): ModelRequest {
    this.requests += 1;
    return { key: sameKey, fingerprint, requestId: `request-${this.requests}`, instance: '/api/x' };
  }

  private async execute(command: Command, request: ModelRequest | undefined): Promise<void> {
    if (request !== undefined) this.asked.push({ command, request });
    const expected = this.model.execute(command, request);
    if (expected === 'reused') {
      this.seen.add('reused');
      await expect(this.service.execute(command, request)).rejects.toThrow(
        IdempotencyKeyReusedError,
      );
      return;
    }
    const outcome = await this.service.execute(command, request);
    if (outcome.kind === 'refusal') {
      same(outcome, expected);
      this.seen.add(`${command.type} ${outcome.refusal.code}`);
      return;
    }
    const { event, replayed } = outcome;
    same({ kind: 'event', event: comparable(event), replayed }, expected);
    if (!replayed) this.ids.seen(event);
    this.seen.add(replayed ? 'replayed' : `${command.type} ${event.refusal?.code ?? 'done'}`);
  }

  private async read({ what, ...at }: Read): Promise<void> {
    const { storeId: store, sku: item, reference, limit: most } = at;
    const stockKey = `${store}/${item}`;
    const name = { storeId: store, sku: item };
    switch (what) {
      case 'record': {
        await this.compareRecord(store, item);
        return;
      }
      case 'recordsOf': {
        const after = at.place % 2 === 0 ? undefined : item;
        const found = await this.queries.recordsOf(store, { after, limit: most });
        same(found.map(stock), this.model.recordsOf(store, after, most));
        return;
      }
      case 'reservation': {
        const id = `r${String(1 + (at.place % 12)).padStart(4, '0')}`;
        same(await this.queries.reservation(id), this.model.reservation(id));
        return;
      }
      case 'reservationsOf': {
        const after = at.place % 2 === 0 ? undefined : `r${String(at.place % 12).padStart(4, '0')}`;
        const found = await this.queries.reservationsOf(reference, { after, limit: most });
        same(found, this.model.reservationsOf(reference, after, most));
        return;
      }
      case 'holdsOf': {
        const skipped = at.place % 3;
        const after = this.model.activeHoldsOf(stockKey)[skipped - 1];
        if (after === undefined && skipped > 0) return;
        const found = await this.queries.holdsOf(name, { after, limit: most });
        const all = this.model.holdsOf(stockKey, 0, 1_000);
        const behind = after === undefined ? all : all.filter((hold) => comesBehind(hold, after));
        same(found, behind.slice(0, most));
        return;
      }
      case 'history': {
        const after = at.place === 0 ? undefined : at.place;
        const found = await this.queries.history(name, { after, limit: most });
        same(found?.map(comparable), this.model.history(stockKey, after, most));
        return;
      }
      case 'recordAfter': {
        const moment = { sequence: Math.max(1, at.place) };
        const found = await this.queries.recordAt(name, moment);
        same(pastOf(found), this.model.recordAfter(stockKey, moment.sequence));
        return;
      }
      case 'recordAt': {
        const time = this.clock.wallMs() + 100 - at.place ** 2 * 5;
        const found = await this.queries.recordAt(name, { time });
        same(pastOf(found), this.model.recordAt(stockKey, time));
        return;
      }
    }
  }

  private async compareRecord(store: string, item: string): Promise<void> {
    const found = await this.queries.record({ storeId: store, sku: item });
    same(found && stock(found), this.model.record(`${store}/${item}`));
  }
}

interface Expiring {
  readonly expiresAt: number | null;
  readonly id: string;
}

function comesBehind(a: Expiring, b: Expiring): boolean {
  const [first, second] = [b.expiresAt ?? Infinity, a.expiresAt ?? Infinity];
  return first < second || (first === second && b.id < a.id);
}

function pastOf(found: StockRecord | undefined | 'not-yet') {
  return found === undefined || found === 'not-yet' ? found : stock(found);
}

function stock({ skips: _, ...record }: StockRecord) {
  return record;
}

/** Without what only serves the fold, and without members that are undefined. */
function comparable({ reads: _, ...event }: InventoryEvent): unknown {
  const lines = event.lines.map(({ skips: _skips, ...line }) => line);
  return JSON.parse(JSON.stringify({ ...event, lines }));
}

function same(actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  expect(unordered(actual)).toEqual(unordered(expected));
}

/** What expires together, and what is transferred together, has no order. */
function unordered(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_, member: unknown) => {
    if (!hasNoOrder(member)) return member;
    const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    const { lines, reservations } = member;
    return { ...member, lines: lines.sort(byText), reservations: reservations.sort(byText) };
  });
}

function hasNoOrder(value: unknown): value is { lines: unknown[]; reservations: unknown[] } {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return value.type === 'ReservationExpired' || value.type === 'StockTransferred';
}

describe('the service and its queries', () => {
  it(
    'do what a plain model of them does, whatever comes and however time moves',
    async () => {
      const seen = new Set<string>();
      const run = randomRun('service = model', 2_000);
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { maxLength: 40, size: 'max' }), async (steps) => {
          const both = new SideBySide();
          await both.run(steps);
          for (const each of both.seen) seen.add(each);
        }),
        run,
      );
      // The stories are worth their name only if they lead everywhere.
      reportProof({
        promise: 'P3 P4',
        seed: run.seed,
        wrong: 0,
        fault: 'any commands, side by side with a plain model',
        runs: `${run.numRuns} stories`,
        checked: 'every outcome, read and event',
      });
      if (run.numRuns >= 1_000) expect([...seen]).toEqual(expect.arrayContaining(ENDINGS));
    },
    60_000 * Math.max(1, proofScale()),
  );
});
