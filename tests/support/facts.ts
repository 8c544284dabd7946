import type { AnsweredRequest, EventDraft, StockLine } from '../../src/domain/events.js';
import { type StockName, stockKey } from '../../src/domain/keys.js';
import type { Reservation, ReservationLine, ReservationStatus } from '../../src/domain/stock.js';
import type { FoldState } from './fold-state.js';

/** The time at which all stories begin. */
export const START = Date.UTC(2026, 0, 1);
/** How long closed reservations answer in these stories. */
export const RETENTION_MS = 3_600_000;

/** Something that has happened, said of the state that it happened to; written without `decide`. */
export type Fact = (state: FoldState) => PlacedDraft;

export type PlacedDraft = EventDraft & { readonly at: number; readonly request?: AnsweredRequest };

/** `S1/A` as the name it stands for. */
export function named(key: string): StockName {
  const slash = key.indexOf('/');
  return { storeId: key.slice(0, slash), sku: key.slice(slash + 1) };
}

/** Units per record: `{ 'S1/A': 3 }`. */
export type Units = Readonly<Record<string, number>>;

/** A stock-take. */
export function stocked(key: string, onHand: number, at = START): Fact {
  return (state) => ({
    ...draftOf('StockCounted', at),
    lines: [movedLine(state, key, { onHand: (before) => onHand - before })],
  });
}

/** A new hold. */
export function held(
  id: string,
  units: Units,
  { at = START, ttlMs, reference }: { at?: number; ttlMs?: number; reference?: string } = {},
): Fact {
  return (state) => ({
    ...draftOf('StockReserved', at),
    lines: Object.entries(units).map(([key, qty]) => movedLine(state, key, { reserved: qty })),
    reservations: [
      {
        id,
        version: 1,
        status: 'active',
        reference: reference ?? null,
        createdAt: at,
        expiresAt: ttlMs === undefined ? null : at + ttlMs,
        retainUntil: null,
        lines: Object.entries(units).map(([key, qty]) => ({
          ...named(key),
          qty,
          held: qty,
          committed: 0,
          released: 0,
          expired: 0,
        })),
      },
    ],
  });
}

const SETTLED = {
  committed: 'StockCommitted',
  released: 'StockReleased',
  expired: 'ReservationExpired',
} as const;

/** A hold that was settled, in part where `units` leaves some of it out. */
export function settled(part: keyof typeof SETTLED, id: string, units: Units, at = START): Fact {
  return (state) => {
    const before = state.reservations.get(id)!;
    const lines = before.lines.map((line): ReservationLine => {
      const qty = units[stockKey(line)] ?? 0;
      return { ...line, held: line.held - qty, [part]: line[part] + qty };
    });
    return {
      ...draftOf(SETTLED[part], at),
      lines: Object.entries(units).map(([key, qty]) =>
        movedLine(state, key, {
          reserved: -qty,
          onHand: () => (part === 'committed' ? -qty : 0),
        }),
      ),
      reservations: [closedIfEmpty({ ...before, version: before.version + 1, lines }, part, at)],
    };
  };
}

/** The same fact, as the answer to a request with an idempotency key. */
export function keyed(fact: Fact, request: AnsweredRequest): Fact {
  return (state) => ({ ...fact(state), request });
}

export function draftOf(type: EventDraft['type'], at: number): PlacedDraft {
  return { type, at, lines: [], reads: [], reservations: [] };
}

/** A consistent line that moves one record from where it is. */
export function movedLine(
  state: FoldState,
  key: string,
  by: { readonly onHand?: (before: number) => number; readonly reserved?: number },
): StockLine {
  const name = named(key);
  const before = state.record(stockKey(name));
  const onHandDelta = by.onHand?.(before?.onHand ?? 0) ?? 0;
  const reservedDelta = by.reserved ?? 0;
  return {
    ...name,
    version: (before?.version ?? 0) + 1,
    onHandDelta,
    reservedDelta,
    onHand: (before?.onHand ?? 0) + onHandDelta,
    reserved: (before?.reserved ?? 0) + reservedDelta,
    previousSequence: before?.sequence ?? 0,
    skips: before?.skips,
  };
}

function closedIfEmpty(
  { sequences: _, ...reservation }: Reservation & { sequences: readonly number[] },
  status: ReservationStatus,
  at: number,
): Reservation {
  if (reservation.lines.some((line) => line.held > 0)) return reservation;
  const sold = reservation.lines.some((line) => line.committed > 0);
  return {
    ...reservation,
    status: sold ? 'committed' : status,
    retainUntil: at + RETENTION_MS,
  };
}
