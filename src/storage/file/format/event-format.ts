/**
 * The part of a log line that describes the event, as JSON members without braces:
 *
 *   "at":"2026-…Z","type":"StockReserved",
 *   "lines":[{"storeId":"S","sku":"K","version":4,"onHand":9,"reserved":2,
 *             "onHandDelta":0,"reservedDelta":2,"previousSequence":3,"skips":[…]}],
 *   "reads":[{"storeId":"S","sku":"K","version":4},{"reservationId":"…","version":1}],
 *   "reservation":{"id":"…","expiresAt":null}      StockReserved only: it reserves the lines
 *   "reservations":[{"id":…,"lines":[…]}]          other types: the reservations after the event
 *   "reason":"…","reference":"…","refusal":{"code":…},"operations":[…],
 *   "request":{"key":"…","fingerprint":"…","keyUntil":"…Z"}
 *
 * Empty lists and absent members are omitted. Times are RFC 3339 with milliseconds.
 */
import { assert } from '../../../assert.js';
import type {
  AnsweredRequest,
  BatchEffect,
  EventType,
  InventoryEvent,
  RecordedRefusal,
  StockLine,
  VersionRead,
} from '../../../domain/events.js';
import type { Reservation, ReservationLine, ReservationStatus } from '../../../domain/stock.js';
import { parseTime, timeText } from '../../../time-text.js';

/**
 * Store ids, SKUs, ids and digests need no escaping: their patterns exclude quote and backslash.
 */
export function encodeEvent(event: InventoryEvent): string {
  const { reads, reservations, reason, reference, refusal, operations, request } = event;
  let text = `"at":"${timeText(event.at)}","type":"${event.type}"`;
  if (event.lines.length > 0) text += `,"lines":[${event.lines.map(encodeLine).join(',')}]`;
  if (reads.length > 0) text += `,"reads":${JSON.stringify(reads)}`;
  const [reserved] = reservations;
  if (event.type === 'StockReserved' && reserved !== undefined) {
    text += `,"reservation":{"id":"${reserved.id}","expiresAt":${optionalTime(reserved.expiresAt)}}`;
  } else if (reservations.length > 0) {
    text += `,"reservations":[${reservations.map(encodeReservation).join(',')}]`;
  }
  if (reason !== undefined) text += `,"reason":${JSON.stringify(reason)}`;
  if (reference !== undefined) text += `,"reference":${JSON.stringify(reference)}`;
  if (refusal !== undefined) text += `,"refusal":${JSON.stringify(encodeRefusal(refusal))}`;
  if (operations !== undefined) text += `,"operations":[${operations.map(encodeEffect).join(',')}]`;
  if (request !== undefined) text += `,"request":${encodeRequest(request)}`;
  return text;
}

function encodeLine(line: StockLine): string {
  return (
    `{"storeId":"${line.storeId}","sku":"${line.sku}","version":${line.version}` +
    `,"onHand":${line.onHand},"reserved":${line.reserved}` +
    `,"onHandDelta":${line.onHandDelta},"reservedDelta":${line.reservedDelta}` +
    `,"previousSequence":${line.previousSequence}` +
    (line.skips === undefined ? '}' : `,"skips":[${line.skips.join(',')}]}`)
  );
}

function encodeEffect({ line, reservation, reason, reference }: BatchEffect): string {
  let text = `{"line":${line}`;
  if (reservation !== undefined) text += `,"reservation":${reservation}`;
  if (reason !== undefined) text += `,"reason":${JSON.stringify(reason)}`;
  if (reference !== undefined) text += `,"reference":${JSON.stringify(reference)}`;
  return `${text}}`;
}

function encodeRequest(request: AnsweredRequest): string {
  const { key, fingerprint, keyUntil, requestId, instance } = request;
  let text = `{"key":"${key}","fingerprint":"${fingerprint}","keyUntil":"${timeText(keyUntil)}"`;
  if (requestId !== undefined) text += `,"requestId":${JSON.stringify(requestId)}`;
  if (instance !== undefined) text += `,"instance":${JSON.stringify(instance)}`;
  return `${text}}`;
}

function optionalTime(at: number | null): string {
  return at === null ? 'null' : `"${timeText(at)}"`;
}

export interface DiskReservation {
  readonly id: string;
  readonly version: number;
  readonly status: ReservationStatus;
  readonly reference: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly retainUntil: string | null;
  readonly lines: readonly ReservationLine[];
}

function encodeReservation(reservation: Reservation): string {
  return `{${reservationMembers(reservation)}}`;
}

/** The members of a DiskReservation, without braces. */
export function reservationMembers(reservation: Reservation): string {
  const { id, version, status, reference, expiresAt, retainUntil, lines } = reservation;
  return (
    `"id":"${id}","version":${version},"status":"${status}",` +
    `"reference":${reference === null ? 'null' : JSON.stringify(reference)},` +
    `"createdAt":"${timeText(reservation.createdAt)}",` +
    `"expiresAt":${optionalTime(expiresAt)},"retainUntil":${optionalTime(retainUntil)},` +
    `"lines":[${lines.map(encodeReservationLine).join(',')}]`
  );
}

function encodeReservationLine(line: ReservationLine): string {
  return (
    `{"storeId":"${line.storeId}","sku":"${line.sku}","qty":${line.qty},"held":${line.held}` +
    `,"committed":${line.committed},"released":${line.released},"expired":${line.expired}}`
  );
}

export function decodeReservation(disk: DiskReservation): Reservation {
  return {
    ...disk,
    createdAt: parseTime(disk.createdAt),
    expiresAt: disk.expiresAt === null ? null : parseTime(disk.expiresAt),
    retainUntil: disk.retainUntil === null ? null : parseTime(disk.retainUntil),
  };
}

type DiskRefusal = Record<string, unknown> & { readonly earliestExpiry?: string };

function encodeRefusal(refusal: RecordedRefusal): unknown {
  if (!('earliestExpiry' in refusal)) return refusal;
  return { ...refusal, earliestExpiry: timeText(refusal.earliestExpiry) };
}

function decodeRefusal(disk: DiskRefusal): RecordedRefusal {
  if (disk.earliestExpiry === undefined) return disk as unknown as RecordedRefusal;
  const earliestExpiry = parseTime(disk.earliestExpiry);
  return { ...disk, earliestExpiry } as unknown as RecordedRefusal;
}

/** The members of one line as JSON.parse returns them; its CRC has been checked. */
export interface DiskEvent {
  readonly sequence: number;
  readonly at: string;
  readonly type: EventType;
  readonly lines?: readonly StockLine[];
  readonly reads?: readonly VersionRead[];
  readonly reservation?: { readonly id: string; readonly expiresAt: string | null };
  readonly reservations?: readonly DiskReservation[];
  readonly reason?: string;
  readonly reference?: string;
  readonly refusal?: DiskRefusal;
  readonly operations?: readonly BatchEffect[];
  readonly request?: Omit<AnsweredRequest, 'keyUntil'> & { readonly keyUntil: string };
}

export function decodeEvent(disk: DiskEvent): InventoryEvent {
  const { lines = [], refusal, request } = disk;
  const at = parseTime(disk.at);
  return {
    sequence: disk.sequence,
    at,
    type: disk.type,
    lines,
    reads: disk.reads ?? [],
    reservations: decodeReservations(disk, lines, at),
    reason: disk.reason,
    reference: disk.reference,
    refusal: refusal && decodeRefusal(refusal),
    operations: disk.operations,
    request: request && { ...request, keyUntil: parseTime(request.keyUntil) },
  };
}

function decodeReservations(
  disk: DiskEvent,
  lines: readonly StockLine[],
  at: number,
): readonly Reservation[] {
  if (disk.type !== 'StockReserved') return disk.reservations?.map(decodeReservation) ?? [];
  assert(disk.reservation !== undefined, `event ${disk.sequence} reserves without a reservation`);
  const { id, expiresAt } = disk.reservation;
  const held = lines.map(({ storeId, sku, reservedDelta: qty }) => {
    return { storeId, sku, qty, held: qty, committed: 0, released: 0, expired: 0 };
  });
  return [
    {
      id,
      version: 1,
      status: 'active',
      reference: disk.reference ?? null,
      createdAt: at,
      expiresAt: expiresAt === null ? null : parseTime(expiresAt),
      retainUntil: null,
      lines: held,
    },
  ];
}
