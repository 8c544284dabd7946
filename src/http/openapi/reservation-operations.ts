import { z } from 'zod';
import { LINES_BODY_BYTES_MAX } from '../json/body-limits.js';
import { reservationIdSchema } from '../schemas/name-schemas.js';
import {
  createReservationSchema,
  extendSchema,
  reservationsQuerySchema,
  settleSchema,
} from '../schemas/request-schemas.js';
import {
  reservationPageSchema,
  settledSchema,
  storedReservationSchema,
} from '../schemas/response-schemas.js';
import { requestHeaders, responseHeaders } from './headers.js';
import { type Operation, STORAGE_PROBLEMS, done, found } from './operation.js';

const RESERVATIONS = '/api/reservations';
const ONE = `${RESERVATIONS}/{id}` as const;

const tag = 'Reservations';
const bytesMax = LINES_BODY_BYTES_MAX;
const pathParameters = z.object({ id: reservationIdSchema });
const headers = z.object(requestHeaders.idempotencyKey);

const create: Operation = {
  id: 'createReservation',
  method: 'post',
  path: RESERVATIONS,
  tag,
  summary: 'Hold units of several records: all of them, or none',
  description: 'The quantities of lines that name the same record are added up.',
  headers,
  body: { schema: createReservationSchema, bytesMax },
  successes: [done(settledSchema, 'Held.', { status: 201, headers: responseHeaders.location })],
  problems: ['stock-not-found', 'version-conflict', 'insufficient-stock'],
  idempotent: true,
};

const list: Operation = {
  id: 'listReservations',
  method: 'get',
  path: RESERVATIONS,
  tag,
  summary: 'Find reservations by their reference',
  description:
    'Sorted by id: for one server, in the order in which it received the requests. Closed ' +
    'reservations are included for a while. To follow new reservations, read the feed: the ' +
    'reservation of an earlier request may be created later.',
  query: reservationsQuerySchema,
  successes: [found(reservationPageSchema, 'One page.')],
  problems: STORAGE_PROBLEMS,
};

const read: Operation = {
  id: 'readReservation',
  method: 'get',
  path: ONE,
  tag,
  summary: 'Read one reservation',
  description:
    'With the sequences of its events. A closed reservation can be read for a while, then: 404.',
  pathParameters,
  successes: [found(storedReservationSchema, 'The reservation.')],
  problems: ['reservation-not-found', ...STORAGE_PROBLEMS],
};

function settling(action: 'commit' | 'release', summary: string, description: string): Operation {
  return {
    id: `${action}Reservation`,
    method: 'post',
    path: `${ONE}/${action}`,
    tag,
    summary,
    description: `${description} With \`lines\`, that part only.`,
    pathParameters,
    headers,
    body: { schema: settleSchema, bytesMax, optional: true },
    successes: [done(settledSchema, 'Settled; `records` are those that changed.')],
    problems: ['reservation-not-found', 'reservation-not-active', 'reservation-exceeded'],
    idempotent: true,
  };
}

const extend: Operation = {
  id: 'extendReservation',
  method: 'post',
  path: `${ONE}/extend`,
  tag,
  summary: 'Extend a reservation',
  description:
    'Sets the expiry to `ttlMs` from now, which may be earlier or later than it was, also of a ' +
    'hold without one. A reservation that has expired cannot be extended.',
  pathParameters,
  headers,
  body: { schema: extendSchema, bytesMax },
  successes: [done(settledSchema, 'Extended; no record has changed.')],
  problems: ['reservation-not-found', 'reservation-not-active'],
  idempotent: true,
};

export const reservationOperations: readonly Operation[] = [
  create,
  list,
  read,
  settling('commit', 'Sell what is held', '`onHand` and `reserved` both decrease.'),
  settling('release', 'Give back what is held', 'The units become available again.'),
  extend,
];
