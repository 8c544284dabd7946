import type { ExampleRequest } from './example.js';

// The central view of the same morning. Two events arrive broken when they are read first.

export const scenarioCentral: readonly ExampleRequest[] = [
  {
    name: 'sync-now',
    operation: 'runSync',
    summary: 'All is folded but two events',
    path: '/api/sync',
  },
  {
    name: 'dead-letters',
    operation: 'listDeadLetters',
    summary: 'These two',
    path: '/api/sync/dead-letters',
  },
  {
    name: 'central-doubtful',
    operation: 'readCentralSku',
    summary: 'What they are about is doubtful',
    path: '/api/inventory/skus/SKU123',
  },
  {
    name: 'retry-letter',
    operation: 'retryDeadLetter',
    summary: 'Now it arrives whole',
    path: '/api/sync/dead-letters/<dead-letters.items.0.id>/retry',
  },
  {
    name: 'discard-letter',
    operation: 'discardDeadLetter',
    summary: 'Nobody will ever know',
    path: '/api/sync/dead-letters/<dead-letters.items.1.id>?reason=the+line+is+lost',
  },
  {
    name: 'central-sku',
    operation: 'readCentralSku',
    summary: 'As far as the last write, at least',
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
    summary: 'All is well',
    path: '/api/sync/status',
  },
  {
    name: 'sync-stop',
    operation: 'stopSync',
    summary: 'Only when asked',
    path: '/api/sync/stop',
  },
  {
    name: 'central-ahead',
    operation: 'readCentralSku',
    summary: 'More than has happened',
    path: '/api/inventory/skus/SKU124?minSequence=1000000',
  },
  {
    name: 'letter-unknown',
    operation: 'retryDeadLetter',
    summary: 'It is folded already',
    path: '/api/sync/dead-letters/<dead-letters.items.0.id>/retry',
  },
  {
    name: 'discard-unknown',
    operation: 'discardDeadLetter',
    summary: 'It is given up already',
    path: '/api/sync/dead-letters/<dead-letters.items.1.id>?reason=the+line+is+lost',
  },
];
