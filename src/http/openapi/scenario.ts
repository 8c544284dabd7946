import type { ExampleRequest } from './example.js';
import { serviceScenario } from './scenario-service.js';

// A morning in two stores, in the order in which it happens: the requests that the examples show.
// <name.member.member> stands for what the answer to an earlier request said.

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
    summary: 'A delivery of something new',
    path: `${STORE}/SKU124/adjust`,
    body: { delta: 40, reason: 'delivery', reference: 'delivery-31' },
  },
  {
    name: 'reserve',
    operation: 'reserveStock',
    summary: 'A customer orders, and has a quarter of an hour to pay',
    path: `${RECORD}/reserve`,
    headers: keyed('order-7'),
    body: { qty: 25, ttlMs: 900_000, reference: 'order-7' },
  },
  {
    name: 'reserve-again',
    operation: 'reserveStock',
    summary: 'The same once more, since no answer came: nothing is held twice',
    path: `${RECORD}/reserve`,
    headers: keyed('order-7'),
    body: { qty: 25, ttlMs: 900_000, reference: 'order-7' },
  },
  {
    name: 'read',
    operation: 'readStock',
    summary: 'What is there now',
    path: RECORD,
  },
  {
    name: 'read-unchanged',
    operation: 'readStock',
    summary: 'Nothing has changed since',
    path: RECORD,
    headers: { 'If-None-Match': '"2"' },
  },
  {
    name: 'read-past',
    operation: 'readStock',
    summary: 'As it was after the first event',
    path: `${RECORD}?at=1`,
  },
  {
    name: 'release-part',
    operation: 'releaseStock',
    summary: 'The customer wants five less',
    path: `${RECORD}/release`,
    body: { reservationId: '<reserve.reservation.id>', qty: 5 },
  },
  {
    name: 'adjust-version',
    operation: 'adjustStock',
    summary: 'Three are broken; nobody may have come between',
    path: `${RECORD}/adjust`,
    headers: { 'If-Match': '"3"' },
    body: { delta: -3, reason: 'broken' },
  },
  {
    name: 'count-again',
    operation: 'countStock',
    summary: 'A stock-take finds one more than was believed',
    path: RECORD,
    headers: { 'If-Match': '"4"' },
    body: { onHand: 118, reason: 'stock-take' },
  },
];

const reservations: readonly ExampleRequest[] = [
  {
    name: 'create-reservation',
    operation: 'createReservation',
    summary: 'An order of two goods',
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
    summary: 'What became of order-8',
    path: '/api/reservations?reference=order-8',
  },
  {
    name: 'commit-part',
    operation: 'commitReservation',
    summary: 'One line leaves the store',
    path: '/api/reservations/<create-reservation.reservation.id>/commit',
    headers: keyed('order-8-parcel-1'),
    body: { lines: [{ storeId: 'STORE001', sku: 'SKU124', qty: 4 }] },
  },
  {
    name: 'read-reservation',
    operation: 'readReservation',
    summary: 'Half of it is still held',
    path: '/api/reservations/<create-reservation.reservation.id>',
  },
  {
    name: 'commit-rest',
    operation: 'commitReservation',
    summary: 'The rest leaves, too: no body',
    path: '/api/reservations/<create-reservation.reservation.id>/commit',
    headers: keyed('order-8-parcel-2'),
  },
  {
    name: 'extend',
    operation: 'extendReservation',
    summary: 'order-7 gets another hour',
    path: '/api/reservations/<reserve.reservation.id>/extend',
    body: { ttlMs: 3_600_000 },
  },
  {
    name: 'release-reservation',
    operation: 'releaseReservation',
    summary: 'It is given up in part',
    path: '/api/reservations/<reserve.reservation.id>/release',
    body: { lines: [{ storeId: 'STORE001', sku: 'SKU123', qty: 10 }] },
  },
];

const severalRecords: readonly ExampleRequest[] = [
  {
    name: 'transfer',
    operation: 'transferStock',
    summary: 'Ten go to another store, which has had none',
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
    summary: 'All or none',
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
    summary: 'Each on its own: one is done, one is refused',
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
    summary: 'The page behind it, which is the last',
    path: `${STORE}?limit=1&cursor=<list-stock.nextCursor>`,
  },
  {
    name: 'list-events',
    operation: 'listStockEvents',
    summary: 'The last three things that happened',
    path: `${RECORD}/events?limit=3`,
  },
  {
    name: 'list-holds',
    operation: 'listHolds',
    summary: 'Who holds some',
    path: `${RECORD}/reservations`,
  },
  {
    name: 'feed-page',
    operation: 'readFeed',
    summary: 'The first two things that happened anywhere',
    path: '/api/events?limit=2',
  },
  {
    name: 'feed-batch',
    operation: 'readFeed',
    summary: 'The next one, as CloudEvents',
    path: '/api/events?after=2&limit=1',
    headers: { Accept: 'application/cloudevents-batch+json' },
  },
  {
    name: 'feed-stream',
    operation: 'readFeed',
    summary: 'What came behind it, and goes on coming: the first of it',
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
