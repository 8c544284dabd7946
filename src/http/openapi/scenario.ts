import type { ExampleRequest } from './example.js';
import { serviceScenario } from './scenario-service.js';

// The requests that the examples show, in order: a morning in two stores.
// <name.member.member> stands for a member of the response to an earlier request.

const STORE = '/api/inventory/stores/STORE001/inventory';
const RECORD = `${STORE}/SKU123`;
const keyed = (key: string) => ({ 'Idempotency-Key': key });

const stock: readonly ExampleRequest[] = [
  {
    name: 'count-first',
    operation: 'countStock',
    summary: 'The first stock-take creates the record',
    path: RECORD,
    headers: { 'If-None-Match': '*' },
    body: { onHand: 120, reason: 'opening stock' },
  },
  {
    name: 'adjust-delivery',
    operation: 'adjustStock',
    summary: 'A delivery of a new SKU',
    path: `${STORE}/SKU124/adjust`,
    body: { delta: 40, reason: 'delivery', reference: 'delivery-31' },
  },
  {
    name: 'reserve',
    operation: 'reserveStock',
    summary: 'An order whose customer has a quarter of an hour to pay',
    path: `${RECORD}/reserve`,
    headers: keyed('order-7'),
    body: { qty: 25, ttlMs: 900_000, reference: 'order-7' },
  },
  {
    name: 'reserve-again',
    operation: 'reserveStock',
    summary: 'A retry, because no response came: nothing is held twice',
    path: `${RECORD}/reserve`,
    headers: keyed('order-7'),
    body: { qty: 25, ttlMs: 900_000, reference: 'order-7' },
  },
  {
    name: 'read',
    operation: 'readStock',
    summary: 'The current record',
    path: RECORD,
  },
  {
    name: 'read-unchanged',
    operation: 'readStock',
    summary: 'The record has not changed since',
    path: RECORD,
    headers: { 'If-None-Match': '"2"' },
  },
  {
    name: 'read-past',
    operation: 'readStock',
    summary: 'The record as it was after the first event',
    path: `${RECORD}?at=1`,
  },
  {
    name: 'release-part',
    operation: 'releaseStock',
    summary: 'The customer cancels five units',
    path: `${RECORD}/release`,
    body: { reservationId: '<reserve.reservation.id>', qty: 5 },
  },
  {
    name: 'adjust-version',
    operation: 'adjustStock',
    summary: 'Three units are broken; refused if the record has changed',
    path: `${RECORD}/adjust`,
    headers: { 'If-Match': '"3"' },
    body: { delta: -3, reason: 'broken' },
  },
  {
    name: 'count-again',
    operation: 'countStock',
    summary: 'A stock-take finds one unit more than recorded',
    path: RECORD,
    headers: { 'If-Match': '"4"' },
    body: { onHand: 118, reason: 'stock-take' },
  },
];

const reservations: readonly ExampleRequest[] = [
  {
    name: 'create-reservation',
    operation: 'createReservation',
    summary: 'An order of two SKUs',
    path: '/api/reservations',
    headers: keyed('order-8'),
    body: {
      reference: 'order-8',
      lines: [
        { storeId: 'STORE001', sku: 'SKU123', qty: 2 },
        { storeId: 'STORE001', sku: 'SKU124', qty: 4, expectedVersion: 1 },
      ],
    },
  },
  {
    name: 'find-reservations',
    operation: 'listReservations',
    summary: 'The state of order-8',
    path: '/api/reservations?reference=order-8',
  },
  {
    name: 'commit-part',
    operation: 'commitReservation',
    summary: 'One line is sold',
    path: '/api/reservations/<create-reservation.reservation.id>/commit',
    headers: keyed('order-8-parcel-1'),
    body: { lines: [{ storeId: 'STORE001', sku: 'SKU124', qty: 4 }] },
  },
  {
    name: 'read-reservation',
    operation: 'readReservation',
    summary: 'One of its two lines is still held',
    path: '/api/reservations/<create-reservation.reservation.id>',
  },
  {
    name: 'commit-rest',
    operation: 'commitReservation',
    summary: 'The rest is sold, too: no body',
    path: '/api/reservations/<create-reservation.reservation.id>/commit',
    headers: keyed('order-8-parcel-2'),
  },
  {
    name: 'extend',
    operation: 'extendReservation',
    summary: 'order-7 is held for an hour from now',
    path: '/api/reservations/<reserve.reservation.id>/extend',
    body: { ttlMs: 3_600_000 },
  },
  {
    name: 'release-reservation',
    operation: 'releaseReservation',
    summary: 'Part of it is released',
    path: '/api/reservations/<reserve.reservation.id>/release',
    body: { lines: [{ storeId: 'STORE001', sku: 'SKU123', qty: 10 }] },
  },
];

const severalRecords: readonly ExampleRequest[] = [
  {
    name: 'transfer',
    operation: 'transferStock',
    summary: 'Ten units go to another store, which had none',
    path: '/api/transfers',
    body: {
      from: 'STORE001',
      to: 'STORE002',
      lines: [{ sku: 'SKU123', qty: 10 }],
      reference: 'truck-5',
    },
  },
  {
    name: 'batch-together',
    operation: 'batchStock',
    summary: 'All operations or none',
    path: '/api/inventory/batch',
    headers: keyed('import-1'),
    body: {
      operations: [
        { op: 'count', storeId: 'STORE002', sku: 'SKU124', onHand: 8, reason: 'stock-take' },
        { op: 'adjust', storeId: 'STORE002', sku: 'SKU123', delta: 5 },
        { op: 'reserve', storeId: 'STORE002', sku: 'SKU123', qty: 2, reference: 'order-9' },
      ],
    },
  },
  {
    name: 'batch-each',
    operation: 'batchStock',
    summary: 'Each operation on its own: one succeeds, one is refused',
    path: '/api/inventory/batch',
    body: {
      atomic: false,
      operations: [
        { op: 'adjust', storeId: 'STORE002', sku: 'SKU124', delta: 1, idempotencyKey: 'row-1' },
        { op: 'reserve', storeId: 'STORE002', sku: 'SKU124', qty: 99, idempotencyKey: 'row-2' },
      ],
    },
  },
];

const lists: readonly ExampleRequest[] = [
  {
    name: 'list-stock',
    operation: 'listStock',
    summary: 'The first page',
    path: `${STORE}?limit=1`,
  },
  {
    name: 'list-stock-next',
    operation: 'listStock',
    summary: 'The next page, which is the last',
    path: `${STORE}?limit=1&cursor=<list-stock.nextCursor>`,
  },
  {
    name: 'list-events',
    operation: 'listStockEvents',
    summary: 'The last three events of the record',
    path: `${RECORD}/events?limit=3`,
  },
  {
    name: 'list-holds',
    operation: 'listHolds',
    summary: 'The reservations that hold units of the record',
    path: `${RECORD}/reservations`,
  },
  {
    name: 'feed-page',
    operation: 'readFeed',
    summary: 'The first two events of all records',
    path: '/api/events?limit=2',
  },
  {
    name: 'feed-batch',
    operation: 'readFeed',
    summary: 'The next event, as CloudEvents',
    path: '/api/events?after=2&limit=1',
    headers: { Accept: 'application/cloudevents-batch+json' },
  },
  {
    name: 'feed-stream',
    operation: 'readFeed',
    summary: 'The events after sequence 3, as a stream: its beginning',
    path: '/api/events',
    headers: { Accept: 'text/event-stream', 'Last-Event-ID': '3' },
  },
];

export const scenario: readonly ExampleRequest[] = [
  ...stock,
  ...reservations,
  ...severalRecords,
  ...lists,
  ...serviceScenario,
];
