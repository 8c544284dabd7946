import type { ExtendReservation, ReleaseLine, SettleReservation } from './commands.js';
import { PART_OF } from './consistency.js';
import { type Circumstances, demandRefusal, refused, stockNotFound } from './decision.js';
import type { Refusal } from './errors.js';
import type { EventDraft, VersionRead } from './events.js';
import { knownReservation } from './evolve.js';
import { type StockKey, stockKey } from './keys.js';
import type {
  Reservation,
  ReservationLine,
  ReservationStatus,
  StoredReservation,
} from './stock.js';
import { Worksheet } from './worksheet.js';

export function decideReleaseLine(command: ReleaseLine, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const row = sheet.row(command);
  const { reservationId } = command;
  const known = knownReservation(circumstances.state, reservationId, circumstances.at);
  const line = known?.lines.find((each) => stockKey(each) === row.key);
  const no = (refusal: Refusal): EventDraft =>
    refused(refusal, [...sheet.allReads(), reservationRead(reservationId, known)]);
  if (row.before === undefined) return no(stockNotFound(row));
  if (known === undefined || line === undefined) {
    return no({ code: 'reservation-not-found', reservationId });
  }
  const unmet = demandRefusal(row, command.ifMatch, command.expectedVersion);
  if (unmet !== undefined) return no(unmet);
  const qty = command.qty ?? Math.max(line.held, 1);
  return settle('StockReleased', known, new Map([[row.key, qty]]), circumstances);
}

export function decideSettle(command: SettleReservation, circumstances: Circumstances): EventDraft {
  const { reservationId } = command;
  const known = knownReservation(circumstances.state, reservationId, circumstances.at);
  if (known === undefined) return unknown(reservationId);
  const everything = known.lines.map((line) => ({ ...line, qty: line.held }));
  const wanted = new Map<StockKey, number>();
  for (const line of command.lines ?? everything) {
    const key = stockKey(line);
    wanted.set(key, (wanted.get(key) ?? 0) + line.qty);
  }
  const type = command.type === 'CommitReservation' ? 'StockCommitted' : 'StockReleased';
  return settle(type, known, wanted, circumstances);
}

/** Due holds give back all they still hold, as one event. It answers no request. */
export function decideExpiry(
  due: readonly StoredReservation[],
  circumstances: Circumstances,
): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const reservations = due.map((each) => {
    const lines = each.lines.map((line) => part(line, line.held, 'ReservationExpired', sheet));
    return settled(each, lines, 'ReservationExpired', circumstances);
  });
  return { type: 'ReservationExpired', lines: sheet.lines(), reads: [], reservations };
}

export function decideExtend(command: ExtendReservation, circumstances: Circumstances): EventDraft {
  const { reservationId, ttlMs } = command;
  const { at } = circumstances;
  const known = knownReservation(circumstances.state, reservationId, at);
  if (known === undefined) return unknown(reservationId);
  if (known.status !== 'active') return notActive(known);
  const version = known.version + 1;
  const after: Reservation = { ...withoutSequences(known), version, expiresAt: at + ttlMs };
  return { type: 'ReservationExtended', lines: [], reads: [], reservations: [after] };
}

type Settling = keyof typeof PART_OF;

function settle(
  type: Settling,
  known: StoredReservation,
  wanted: ReadonlyMap<StockKey, number>,
  circumstances: Circumstances,
): EventDraft {
  if (known.status !== 'active') return notActive(known);
  const held = new Map(known.lines.map((line) => [stockKey(line), line.held]));
  for (const [key, requested] of wanted) {
    if (requested > (held.get(key) ?? 0)) return exceeded(key, requested, known);
  }
  const sheet = new Worksheet(circumstances.state);
  const lines = known.lines.map((line) => part(line, wanted.get(stockKey(line)) ?? 0, type, sheet));
  const after = settled(known, lines, type, circumstances);
  return { type, lines: sheet.lines(), reads: [], reservations: [after] };
}

/** Takes `qty` units out of the hold: sold, or available again. */
function part(
  line: ReservationLine,
  qty: number,
  type: Settling,
  sheet: Worksheet,
): ReservationLine {
  if (qty === 0) return line;
  const row = sheet.row(line);
  row.reserved -= qty;
  if (type === 'StockCommitted') row.onHand -= qty;
  row.moved = true;
  const name = PART_OF[type];
  return { ...line, held: line.held - qty, [name]: line[name] + qty };
}

function settled(
  known: StoredReservation,
  lines: readonly ReservationLine[],
  type: Settling,
  { at, reservationRetentionMs }: Circumstances,
): Reservation {
  const changed = { ...withoutSequences(known), lines, version: known.version + 1 };
  if (lines.some((line) => line.held > 0)) return changed;
  const sold = lines.some((line) => line.committed > 0);
  const status: ReservationStatus = sold ? 'committed' : PART_OF[type];
  return { ...changed, status, retainUntil: at + reservationRetentionMs };
}

function exceeded(key: StockKey, requested: number, known: StoredReservation): EventDraft {
  const line = known.lines.find((each) => stockKey(each) === key);
  const slash = key.indexOf('/');
  return refused(
    {
      code: 'reservation-exceeded',
      storeId: key.slice(0, slash),
      sku: key.slice(slash + 1),
      requested,
      held: line?.held ?? 0,
    },
    [reservationRead(known.id, known)],
  );
}

function notActive(known: StoredReservation): EventDraft {
  return refused({ code: 'reservation-not-active', reservationStatus: known.status }, [
    reservationRead(known.id, known),
  ]);
}

function unknown(reservationId: string): EventDraft {
  return refused({ code: 'reservation-not-found', reservationId }, [
    reservationRead(reservationId, undefined),
  ]);
}

function reservationRead(reservationId: string, known: StoredReservation | undefined): VersionRead {
  return { reservationId, version: known?.version ?? 0 };
}

function withoutSequences({ sequences: _, ...reservation }: StoredReservation): Reservation {
  return reservation;
}
