import fc from 'fast-check';
import type { BatchOperation, Command } from '../../src/domain/commands.js';
import type { EventDraft } from '../../src/domain/events.js';
import type { StockName } from '../../src/domain/keys.js';
import type { Reservation } from '../../src/domain/stock.js';

// A world so small that commands meet: two stores, three SKUs, a few units.
/** Stands for the store of a record that a reservation holds; see KnownIds. */
const HELD = 'held';
const storeId = fc.constantFrom('S1', 'S2');
const sku = fc.constantFrom('A', 'B', 'C D');
const name = { storeId, sku };
const qty = fc.integer({ min: 1, max: 6 });
const ttlMs = fc.integer({ min: 1, max: 4_000 });
const version = fc.integer({ min: 1, max: 6 });
const words = fc.constantFrom('order-1', 'order-2');
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const delta = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 10, arbitrary: fc.integer({ min: -6, max: -1 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER) },
);
const ifMatch = fc.oneof(
  fc.array(version, { minLength: 1, maxLength: 3 }),
  fc.constant('*' as const),
);
const demand = { ifMatch: seldom(ifMatch), expectedVersion: seldom(version) };
const note = { reason: seldom(words), reference: seldom(words) };
/** Which of the reservations made so far, from the latest; see KnownIds. */
const reservationId = fc.nat({ max: 3 }).map((index) => `#${index}`);

const adjust = { type: fc.constant('AdjustStock' as const), ...name, delta, ...note };
const count = { type: fc.constant('CountStock' as const), ...name, onHand: fc.nat(20), ...note };
/** A record that the reservation holds, by its place; seldom one that it may not hold. */
const heldName = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ storeId: fc.constant(HELD), sku: fc.constantFrom('0', '1') }),
  },
  { weight: 1, arbitrary: fc.record(name) },
);
const heldLine = fc.tuple(heldName, qty).map(([named, units]) => ({ ...named, qty: units }));
const orderLine = { ...name, qty, expectedVersion: seldom(version) };
const reserve = {
  type: fc.constant('ReserveStock' as const),
  reservationId,
  ttlMs: fc.option(ttlMs, { nil: undefined }),
  reference: fc.option(words, { nil: undefined }),
};

const operation = fc.oneof(
  fc.record({ ...adjust, expectedVersion: seldom(version) }),
  fc.record({ ...count, expectedVersion: seldom(version) }),
  fc.record({ ...reserve, lines: fc.tuple(fc.record(orderLine)) }),
);

const sketches = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...adjust, ...demand }) },
  { weight: 2, arbitrary: fc.record({ ...count, ...demand, mustBeNew: seldom(fc.boolean()) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      ...reserve,
      lines: fc.array(fc.record(orderLine), { minLength: 1, maxLength: 3 }),
      ifMatch: seldom(ifMatch),
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        heldName,
        fc.record({
          type: fc.constant('ReleaseLine' as const),
          reservationId,
          qty: fc.option(qty, { nil: undefined }),
          ...demand,
        }),
      )
      .map(([named, release]) => ({ ...release, ...named })),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom('CommitReservation' as const, 'ReleaseReservation' as const),
      reservationId,
      lines: fc.oneof(fc.constant(undefined), fc.array(heldLine, { minLength: 1, maxLength: 2 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('ExtendReservation' as const), reservationId, ttlMs }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('TransferStock' as const),
      from: storeId,
      to: storeId,
      lines: fc.array(fc.record({ sku, qty }), { minLength: 1, maxLength: 3 }),
      reference: seldom(words),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('BatchStock' as const),
      operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    }),
  },
);

/** Any command; what it uses is looked up by KnownIds. */
export const anyCommand: fc.Arbitrary<Command> = sketches.map((sketch) => plain(sketch) as Command);

/** How long until the next command, in ms: often nothing, seldom beyond every expiry. */
export const anyPause = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 600, max: 8_000 }) },
);

/** What random stories begin with, since most of what may happen needs some stock. */
export const opening: readonly Command[] = [
  { type: 'CountStock', storeId: 'S1', sku: 'A', onHand: 30 },
  { type: 'CountStock', storeId: 'S1', sku: 'B', onHand: 20 },
  { type: 'CountStock', storeId: 'S2', sku: 'B', onHand: 20 },
  { type: 'CountStock', storeId: 'S2', sku: 'C D', onHand: 9 },
];

/** The reservations of a story, and how many ids were given away. */
export class KnownIds {
  private readonly made: Reservation[] = [];
  private given = 0;

  /**
   * The command with real ids: new ones for what it makes, also when it comes again, known ones
   * for what it uses.
   */
  in(command: Command): Command {
    if (command.type === 'ReserveStock') return { ...command, reservationId: this.fresh() };
    if (command.type === 'BatchStock') {
      const operations = command.operations.map((each): BatchOperation =>
        each.type === 'ReserveStock' ? { ...each, reservationId: this.fresh() } : each,
      );
      return { ...command, operations };
    }
    if (!('reservationId' in command) || !command.reservationId.startsWith('#')) return command;
    const place = Number(command.reservationId.slice(1)) % Math.max(1, this.made.length);
    const used = this.made.at(-1 - place);
    const reservationId = used?.id ?? 'never-was';
    if (command.type === 'ReleaseLine') {
      return { ...command, ...heldRecord(command, used), reservationId };
    }
    if (command.type === 'ExtendReservation' || command.lines === undefined) {
      return { ...command, reservationId };
    }
    const lines = command.lines.map((line) => ({ ...line, ...heldRecord(line, used) }));
    return { ...command, reservationId, lines };
  }

  /** To be called with every event, since a refused command makes nothing. */
  seen(event: Pick<EventDraft, 'reservations'>): void {
    this.made.push(...event.reservations.filter(({ version }) => version === 1));
  }

  private fresh(): string {
    this.given += 1;
    return `r${String(this.given).padStart(4, '0')}`;
  }
}

function heldRecord({ storeId, sku }: StockName, used: Reservation | undefined): StockName {
  if (storeId !== HELD) return { storeId, sku };
  const line = used?.lines[Number(sku) % used.lines.length];
  return { storeId: line?.storeId ?? 'S1', sku: line?.sku ?? 'A' };
}

/** Without members that are undefined: to a command, they are not there. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
