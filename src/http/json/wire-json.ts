import { timeText } from '../../time-text.js';
import type { Note } from '../../domain/commands.js';
import type { InventoryEvent, StockLine } from '../../domain/events.js';
import type {
  RecordTime,
  Reservation,
  StockRecord,
  StoredReservation,
} from '../../domain/stock.js';

// JSON is written by hand because every write answers with some of it. The patterns of store ids,
// SKUs and reservation ids make escaping unnecessary. response-schemas.ts defines the result.

/** A stock record as it is now, or as the line of an event left it. */
export function recordJson(record: StockRecord | StockLine, updatedAt: RecordTime): string {
  const { storeId, sku, onHand, reserved, version } = record;
  return (
    `{"storeId":"${storeId}","sku":"${sku}","qty":${onHand - reserved},"reserved":${reserved},` +
    `"onHand":${onHand},"version":${version},"updatedAt":"${timeText(updatedAt)}"}`
  );
}

export function reservationJson(reservation: Reservation): string {
  return `{${reservationMembers(reservation)}}`;
}

/** With the sequences of its events. */
export function storedReservationJson(reservation: StoredReservation): string {
  return `{${reservationMembers(reservation)},"sequences":[${reservation.sequences.join(',')}]}`;
}

/** `note`: reason and reference; the event's own, unless only one part of it is shown. */
export function eventJson(event: InventoryEvent, note: Note = event): string {
  const [first, second] = event.reservations;
  const reservationId = second === undefined ? first?.id : undefined;
  return (
    `{"sequence":${event.sequence},"type":"${event.type}","at":"${timeText(event.at)}",` +
    `"lines":[${event.lines.map(eventLineJson).join(',')}]` +
    member('reservationId', reservationId) +
    member('reason', note.reason) +
    member('reference', note.reference) +
    '}'
  );
}

function reservationMembers(reservation: Reservation): string {
  const { id, status, reference, createdAt, expiresAt, lines } = reservation;
  return (
    `"id":"${id}","status":"${status}",` +
    `"reference":${reference === null ? 'null' : JSON.stringify(reference)},` +
    `"createdAt":"${timeText(createdAt)}",` +
    `"expiresAt":${expiresAt === null ? 'null' : `"${timeText(expiresAt)}"`},` +
    `"lines":[${lines.map(reservationLineJson).join(',')}]`
  );
}

function reservationLineJson(line: Reservation['lines'][number]): string {
  const { storeId, sku, qty, held, committed, released, expired } = line;
  return (
    `{"storeId":"${storeId}","sku":"${sku}","qty":${qty},"held":${held},` +
    `"committed":${committed},"released":${released},"expired":${expired}}`
  );
}

function eventLineJson(line: StockLine): string {
  const { storeId, sku, version, onHandDelta, reservedDelta } = line;
  return (
    `{"storeId":"${storeId}","sku":"${sku}","version":${version},` +
    `"onHandDelta":${onHandDelta},"reservedDelta":${reservedDelta}}`
  );
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}
