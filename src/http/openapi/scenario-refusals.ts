import type { ExampleRequest } from './example.js';

// The refused requests at the end of the scenario (scenario.ts).

const RECORD = '/api/inventory/stores/STORE001/inventory/SKU123';
const NOBODY = '019a4912-0000-7000-8000-00000000dead';
const line = (sku: string, qty: number) => ({ storeId: 'STORE001', sku, qty });

const requests: readonly ExampleRequest[] = [
  {
    name: 'malformed-json',
    operation: 'adjustStock',
    summary: 'The body is incomplete',
    path: `${RECORD}/adjust`,
    headers: { 'Content-Type': 'application/json' },
    body: '{"delta": 3',
  },
  {
    name: 'unknown-member',
    operation: 'adjustStock',
    summary: 'A number that is too large, and an unknown member',
    path: `${RECORD}/adjust`,
    body: { delta: 2_000_000_000, version: 3 },
  },
  {
    name: 'not-json',
    operation: 'adjustStock',
    summary: 'A form instead of JSON',
    path: `${RECORD}/adjust`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'delta=3',
  },
  {
    name: 'limit-too-large',
    operation: 'listStock',
    summary: 'A limit that is too large',
    path: '/api/inventory/stores/STORE001/inventory?limit=1001',
  },
  {
    name: 'no-such-form',
    operation: 'readFeed',
    summary: 'The feed is not available as XML',
    path: '/api/events',
    headers: { Accept: 'application/xml' },
  },
  {
    name: 'not-that-far',
    operation: 'readFeed',
    summary: 'A position from another log, which was longer',
    path: '/api/events?after=5000',
  },
  {
    name: 'no-such-path',
    operation: 'anyOtherRequest',
    summary: 'A trailing slash',
    method: 'GET',
    path: '/api/health/',
  },
  {
    name: 'no-such-method',
    operation: 'anyOtherRequest',
    summary: 'Records are never deleted',
    method: 'DELETE',
    path: RECORD,
  },
];

const versions: readonly ExampleRequest[] = [
  {
    name: 'stale-if-match',
    operation: 'adjustStock',
    summary: 'The record has changed meanwhile (If-Match)',
    path: `${RECORD}/adjust`,
    headers: { 'If-Match': '"3"' },
    body: { delta: -1 },
  },
  {
    name: 'stale-version',
    operation: 'adjustStock',
    summary: 'The record has changed meanwhile (expectedVersion)',
    path: `${RECORD}/adjust`,
    body: { delta: -1, expectedVersion: 3 },
  },
  {
    name: 'count-blindly',
    operation: 'countStock',
    summary: 'A stock-take without a precondition',
    path: RECORD,
    body: { onHand: 100 },
  },
  {
    name: 'create-twice',
    operation: 'countStock',
    summary: 'The record exists already',
    path: RECORD,
    headers: { 'If-None-Match': '*' },
    body: { onHand: 100 },
  },
];

const stock: readonly ExampleRequest[] = [
  {
    name: 'unknown-record',
    operation: 'readStock',
    summary: 'SKUs are case-sensitive',
    path: '/api/inventory/stores/STORE001/inventory/sku123',
  },
  {
    name: 'too-much',
    operation: 'reserveStock',
    summary: 'More than is available; some is held by a reservation that expires',
    path: `${RECORD}/reserve`,
    body: { qty: 100 },
  },
  {
    name: 'key-of-another',
    operation: 'reserveStock',
    summary: 'A key that was used with another request before',
    path: `${RECORD}/reserve`,
    headers: { 'Idempotency-Key': 'order-7' },
    body: { qty: 26 },
  },
  {
    name: 'count-too-little',
    operation: 'countStock',
    summary: 'Fewer units than are reserved',
    path: RECORD,
    headers: { 'If-Match': '*' },
    body: { onHand: 5 },
  },
  {
    name: 'transfer-to-itself',
    operation: 'transferStock',
    summary: 'From a store to itself',
    path: '/api/transfers',
    body: { from: 'STORE001', to: 'STORE001', lines: [{ sku: 'SKU123', qty: 1 }] },
  },
  {
    name: 'batch-refused',
    operation: 'batchStock',
    summary: 'The second operation is refused, so none is executed',
    path: '/api/inventory/batch',
    body: {
      operations: [
        { op: 'adjust', storeId: 'STORE001', sku: 'SKU123', delta: 1 },
        { op: 'count', storeId: 'STORE001', sku: 'SKU123', onHand: 1 },
      ],
    },
  },
];

const reservations: readonly ExampleRequest[] = [
  {
    name: 'unknown-reservation',
    operation: 'readReservation',
    summary: 'Never created, or closed long ago',
    path: `/api/reservations/${NOBODY}`,
  },
  {
    name: 'release-too-much',
    operation: 'releaseReservation',
    summary: 'More than the reservation holds',
    path: '/api/reservations/<reserve.reservation.id>/release',
    body: { lines: [line('SKU123', 11)] },
  },
  {
    name: 'commit-twice',
    operation: 'commitReservation',
    summary: 'The reservation was already committed',
    path: '/api/reservations/<create-reservation.reservation.id>/commit',
  },
  {
    name: 'order-too-much',
    operation: 'createReservation',
    summary: 'One of two lines is short, so neither is held',
    path: '/api/reservations',
    body: { lines: [line('SKU123', 1), line('SKU124', 1_000)] },
  },
];

export const scenarioRefusals: readonly ExampleRequest[] = [
  ...requests,
  ...versions,
  ...stock,
  ...reservations,
];
