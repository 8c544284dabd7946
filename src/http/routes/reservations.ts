import type { IRouter, Request, Response } from 'express';
import { READ } from '../answer.js';
import { orderedAnswer, settledAnswer } from '../write-answers.js';
import { LINES_BODY_BYTES_MAX } from '../json/body-limits.js';
import { reservationIdSchema } from '../schemas/name-schemas.js';
import { listAnswer, requestedPage } from '../page.js';
import { parseReservationId } from '../path-names.js';
import { refuseConditions } from '../preconditions.js';
import { parseBody, parseQuery, refuseQuery } from '../request-input.js';
import {
  createReservationSchema,
  extendSchema,
  reservationsQuerySchema,
  settleSchema,
} from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { reservationJson, storedReservationJson } from '../json/wire-json.js';

const RESERVATIONS = '/api/reservations';

type ReservationRequest = Request<{ id: string }>;

/** Orders over several records, and the lifecycle of every reservation. */
export function reservationRoutes(
  router: IRouter,
  { queries, ids, send, run, refuse, jsonBody }: RouteDeps,
): void {
  const body = jsonBody({ limitBytes: LINES_BODY_BYTES_MAX });
  const bodyOrNone = jsonBody({ limitBytes: LINES_BODY_BYTES_MAX, allowEmpty: true });
  const ONE = `${RESERVATIONS}/:id`;

  router.route(`${ONE}/commit`).post(bodyOrNone, commit).all(methodNotAllowed('POST'));
  router.route(`${ONE}/release`).post(bodyOrNone, release).all(methodNotAllowed('POST'));
  router.route(`${ONE}/extend`).post(body, extend).all(methodNotAllowed('POST'));
  router
    .route(RESERVATIONS)
    .post(body, create)
    .get(listByReference)
    .all(methodNotAllowed('GET', 'HEAD', 'POST'));
  router.route(ONE).get(show).all(methodNotAllowed('GET', 'HEAD'));

  async function create(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const asked = parseBody(createReservationSchema, request);
    refuseConditions(request.headers);
    await run(request, response, {
      command: { type: 'ReserveStock', reservationId: ids.next(), ...asked },
      asked: [asked],
      render: orderedAnswer,
    });
  }

  function commit(request: ReservationRequest, response: Response): Promise<void> {
    return settle('CommitReservation', request, response);
  }

  function release(request: ReservationRequest, response: Response): Promise<void> {
    return settle('ReleaseReservation', request, response);
  }

  async function settle(
    type: 'CommitReservation' | 'ReleaseReservation',
    request: ReservationRequest,
    response: Response,
  ): Promise<void> {
    const reservationId = reservationIdOf(request);
    const asked = parseBody(settleSchema, request);
    refuseConditions(request.headers);
    await run(request, response, {
      command: { type, reservationId, ...asked },
      asked: [reservationId, asked],
      render: settledAnswer,
    });
  }

  async function extend(request: ReservationRequest, response: Response): Promise<void> {
    const reservationId = reservationIdOf(request);
    const asked = parseBody(extendSchema, request);
    refuseConditions(request.headers);
    await run(request, response, {
      command: { type: 'ExtendReservation', reservationId, ...asked },
      asked: [reservationId, asked],
      render: settledAnswer,
    });
  }

  async function show(request: ReservationRequest, response: Response): Promise<void> {
    const reservationId = reservationIdOf(request);
    const reservation = await queries.reservation(reservationId);
    if (reservation === undefined) {
      refuse(request, response, { code: 'reservation-not-found', reservationId });
      return;
    }
    const body = storedReservationJson(reservation);
    send(request, response, { status: 200, headers: READ, body });
  }

  async function listByReference(request: Request, response: Response): Promise<void> {
    const { reference, ...query } = parseQuery(reservationsQuerySchema, request);
    const scope = { list: 'reservations', of: reference } as const;
    const { after, limit } = requestedPage(query, scope, reservationIdSchema);
    const found = await queries.reservationsOf(reference, { after, limit: limit + 1 });
    const answer = listAnswer({
      found,
      limit,
      scope,
      placeOf: ({ id }) => id,
      linesOf: ({ lines }) => lines.length,
      json: reservationJson,
    });
    send(request, response, answer);
  }
}

/** The reservation that the path names; these routes take no query. */
function reservationIdOf(request: ReservationRequest): string {
  refuseQuery(request);
  return parseReservationId(request.params.id);
}
