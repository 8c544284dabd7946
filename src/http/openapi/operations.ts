import type { Operation } from './operation.js';
import { feedOperation } from './feed-operation.js';
import { reservationOperations } from './reservation-operations.js';
import { serviceOperations } from './service-operations.js';
import { batchOperation, transferOperation } from './several-records-operations.js';
import { stockListOperations } from './stock-list-operations.js';
import { stockOperations } from './stock-operations.js';
import { syncOperations } from './sync-operations.js';

/** Every route of the service; a test compares them with the routers. */
export const operations: readonly Operation[] = [
  ...stockOperations,
  ...stockListOperations,
  ...reservationOperations,
  transferOperation,
  batchOperation,
  feedOperation,
  ...syncOperations,
  ...serviceOperations,
];

/** The response to every other request: no route has its path, or none has its method. */
export const anyOtherRequest: Operation = {
  id: 'anyOtherRequest',
  method: 'get',
  path: '/',
  tag: 'Service',
  summary: 'Any other request',
  description:
    'A path that is not described here: 404. A described path with another method: 405, and ' +
    '`Allow` lists the methods that it supports. HEAD works wherever GET does.',
  successes: [],
  problems: ['not-found', 'method-not-allowed'],
};
