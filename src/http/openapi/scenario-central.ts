import type { ExampleRequest } from './example.js';

// The central view of the same scenario. Two events are damaged when they are first read.

export const scenarioCentral: readonly ExampleRequest[] = [
  {
    name: 'sync-now',
    operation: 'runSync',
    summary: 'All events but two are folded',
    path: '/api/sync',
  },
  {
    name: 'dead-letters',
    operation: 'listDeadLetters',
    summary: 'The two events that could not be folded',
    path: '/api/sync/dead-letters',
  },
  {
    name: 'central-doubtful',
    operation: 'readCentralSku',
    summary: 'A record that a dead letter names is doubtful',
    path: '/api/inventory/skus/SKU123',
  },
  {
    name: 'retry-letter',
    operation: 'retryDeadLetter',
    summary: 'This time the event is intact',
    path: '/api/sync/dead-letters/<dead-letters.items.0.id>/retry',
  },
  {
    name: 'discard-letter',
    operation: 'discardDeadLetter',
    summary: 'The event is lost for good',
    path: '/api/sync/dead-letters/<dead-letters.items.1.id>?reason=the+line+is+lost',
  },
  {
    name: 'central-sku',
    operation: 'readCentralSku',
    summary: 'At least up to the last write',
    path: '/api/inventory/skus/SKU124?minSequence=5&waitMs=1000',
  },
  {
    name: 'sync-start',
    operation: 'startSync',
    summary: 'Every minute from now on',
    path: '/api/sync/start',
    body: { intervalMs: 60_000 },
  },
  {
    name: 'sync-status',
    operation: 'readSyncStatus',
    summary: 'No source is failing',
    path: '/api/sync/status',
  },
  {
    name: 'sync-stop',
    operation: 'stopSync',
    summary: 'From now on only on request',
    path: '/api/sync/stop',
  },
  {
    name: 'central-ahead',
    operation: 'readCentralSku',
    summary: 'A sequence that does not exist yet',
    path: '/api/inventory/skus/SKU124?minSequence=1000000',
  },
  {
    name: 'letter-unknown',
    operation: 'retryDeadLetter',
    summary: 'The event is already folded',
    path: '/api/sync/dead-letters/<dead-letters.items.0.id>/retry',
  },
  {
    name: 'discard-unknown',
    operation: 'discardDeadLetter',
    summary: 'The dead letter is already discarded',
    path: '/api/sync/dead-letters/<dead-letters.items.1.id>?reason=the+line+is+lost',
  },
];
