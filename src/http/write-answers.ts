import { assert } from '../assert.js';
import type { BatchOperation } from '../domain/commands.js';
import type { InventoryEvent, StockLine } from '../domain/events.js';
import type { Reservation } from '../domain/stock.js';
import { type Answer, WRITTEN } from './answer.js';
import { etagOf } from './preconditions.js';
import { recordJson, reservationJson } from './json/wire-json.js';

// Every answer to a write is rendered from its event alone: at first the event just appended, for a
// replay the same event read back from the log. Hence the same bytes.

export function adjustedAnswer(event: InventoryEvent): Answer {
  const { at, sequence } = event;
  const line = onlyLine(event);
  return {
    status: 200,
    headers: [...WRITTEN, 'ETag', etagOf(line.version)],
    body: `{"record":${recordJson(line, at)},"sequence":${sequence}}`,
    sequence,
  };
}

/** No ETag: in the answer to a PUT it would mean that the body was stored as it was sent. */
export function countedAnswer(event: InventoryEvent): Answer {
  const { at, sequence } = event;
  const line = onlyLine(event);
  return {
    status: countedStatus(line),
    headers: WRITTEN,
    body: `{"record":${recordJson(line, at)},"sequence":${sequence}}`,
    sequence,
  };
}

export function reservedAnswer(event: InventoryEvent): Answer {
  const { at, sequence } = event;
  const reservation = onlyReservation(event);
  return {
    status: 201,
    headers: [...WRITTEN, 'Location', locationOf(reservation)],
    body:
      `{"record":${recordJson(onlyLine(event), at)},` +
      `"reservation":${reservationJson(reservation)},"sequence":${sequence}}`,
    sequence,
  };
}

export function releasedLineAnswer(event: InventoryEvent): Answer {
  const { at, sequence } = event;
  const line = onlyLine(event);
  return {
    status: 200,
    headers: [...WRITTEN, 'ETag', etagOf(line.version)],
    body:
      `{"record":${recordJson(line, at)},` +
      `"reservation":${reservationJson(onlyReservation(event))},"sequence":${sequence}}`,
    sequence,
  };
}

export function orderedAnswer(event: InventoryEvent): Answer {
  const location = locationOf(onlyReservation(event));
  return { ...settledAnswer(event), status: 201, headers: [...WRITTEN, 'Location', location] };
}

/** For a commit, a release, or an extension (which moves no stock). */
export function settledAnswer(event: InventoryEvent): Answer {
  const { sequence } = event;
  return {
    status: 200,
    headers: WRITTEN,
    body:
      `{"reservation":${reservationJson(onlyReservation(event))},` +
      `"records":${movedRecordsJson(event)},"sequence":${sequence}}`,
    sequence,
  };
}

export function transferredAnswer(event: InventoryEvent): Answer {
  const { sequence } = event;
  return {
    status: 200,
    headers: WRITTEN,
    body: `{"records":${movedRecordsJson(event)},"sequence":${sequence}}`,
    sequence,
  };
}

/** `operations`: those of the request; a replay has the same, since its fingerprint is the same. */
export function batchAnswer(event: InventoryEvent, operations: readonly BatchOperation[]): Answer {
  const { sequence } = event;
  const results = operations.map(({ type }, index) => {
    const effect = event.operations?.[index];
    assert(effect !== undefined, `event ${sequence} has no operation ${index}`);
    const line = event.lines[effect.line];
    assert(line !== undefined, `event ${sequence} has no line ${effect.line}`);
    if (effect.reservation === undefined) {
      return resultJson(event, line, type === 'CountStock' ? countedStatus(line) : 200);
    }
    return resultJson(event, line, 201, event.reservations[effect.reservation]);
  });
  return {
    status: 200,
    headers: WRITTEN,
    body: `{"results":[${results.join(',')}],"sequence":${sequence}}`,
    sequence,
  };
}

/** The result of one operation of a non-atomic batch. */
export function singleResultJson(event: InventoryEvent): string {
  const line = onlyLine(event);
  if (event.type === 'StockReserved') {
    return resultJson(event, line, 201, onlyReservation(event));
  }
  return resultJson(event, line, event.type === 'StockCounted' ? countedStatus(line) : 200);
}

function resultJson(
  { at, sequence }: InventoryEvent,
  line: StockLine,
  status: 200 | 201,
  reservation?: Reservation,
): string {
  const held = reservation === undefined ? '' : `"reservation":${reservationJson(reservation)},`;
  return `{"status":${status},"record":${recordJson(line, at)},${held}"sequence":${sequence}}`;
}

function movedRecordsJson({ lines, at }: InventoryEvent): string {
  return `[${lines.map((line) => recordJson(line, at)).join(',')}]`;
}

function countedStatus({ version }: StockLine): 200 | 201 {
  return version === 1 ? 201 : 200;
}

function locationOf({ id }: Reservation): string {
  return `/api/reservations/${id}`;
}

function onlyLine({ lines, sequence }: InventoryEvent): StockLine {
  const [line] = lines;
  assert(line !== undefined && lines.length === 1, `event ${sequence} is not about one record`);
  return line;
}

function onlyReservation({ reservations, sequence }: InventoryEvent): Reservation {
  const [reservation] = reservations;
  assert(reservation !== undefined, `event ${sequence} is about no reservation`);
  return reservation;
}
