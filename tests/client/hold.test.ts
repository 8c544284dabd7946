import { describe, expect, it } from 'vitest';
import { batchEach } from '../../src/client/batch-each.js';
import { InventoryProblem, NoAnswerError } from '../../src/client/errors.js';
import { type HoldSteps, holdWhile } from '../../src/client/hold.js';
import type { Retrier } from '../../src/client/retrier.js';
import type { BatchOperation, Reservation } from '../../src/client/wire-types.js';

const MADE = { id: 'r1', status: 'active' } as Reservation;
const OVER = new InventoryProblem({
  type: '',
  title: '',
  status: 409,
  code: 'reservation-not-active',
  detail: '',
  instance: '',
  requestId: '',
});

function stepsWith(changed: Partial<HoldSteps>): HoldSteps {
  return {
    create: () => Promise.resolve({ reservation: MADE, isReplayed: false }),
    read: () => Promise.resolve(MADE),
    commit: () => Promise.resolve(),
    release: () => Promise.resolve(),
    ...changed,
  };
}

describe('a hold', () => {
  const unanswered = () => Promise.reject(new NoAnswerError('busy', 'not-executed', 'k:step'));
  it.each<[string, Partial<HoldSteps>]>([
    ['commit', { commit: unanswered }],
    [
      'look at it again',
      {
        create: () => Promise.resolve({ reservation: MADE, isReplayed: true }),
        read: unanswered,
      },
    ],
  ])('whose %s has no answer goes on under its own key', async (_step, changed) => {
    const held = holdWhile(stepsWith(changed), () => Promise.resolve(1), { idempotencyKey: 'k' });

    await expect(held).rejects.toMatchObject({ outcome: 'unknown', idempotencyKey: 'k' });
  });

  it('fails with the error of its work, also where it has expired meanwhile', async () => {
    const error = new Error('no money');
    const steps = stepsWith({ release: () => Promise.reject(OVER) });
    const held = holdWhile(steps, () => Promise.reject(error), { idempotencyKey: 'k' });

    await expect(held).rejects.toBe(error);
  });

  it('is not made with a key that its last step could not have', async () => {
    const create = () => Promise.reject(new Error('was asked for'));
    const options = { idempotencyKey: 'k'.repeat(248) };

    await expect(
      holdWhile(stepsWith({ create }), () => Promise.resolve(1), options),
    ).rejects.toThrow(RangeError);
  });
});

describe('a batch whose second round has no answer', () => {
  const operations = ['a', 'b'].map((key) => ({
    op: 'adjust' as const,
    storeId: 'S1',
    sku: key,
    delta: 1,
    idempotencyKey: key,
  })) satisfies BatchOperation[];
  const first = { results: [{ status: 200, sequence: 7 }, { status: 503 }] };

  function run(outcome: 'unknown' | 'not-executed') {
    let round = 0;
    const retrier = {
      ask() {
        round += 1;
        if (round === 1)
          return Promise.resolve({ kind: 'ok', body: first, headers: new Headers() });
        return Promise.reject(new NoAnswerError('busy', outcome));
      },
      startWaiting: () => ({ pause: () => Promise.resolve() }),
    } as unknown as Retrier;
    return batchEach(retrier, operations);
  }

  it('keeps what the first one has done, where nothing else was', async () => {
    expect(await run('not-executed')).toEqual({ ...first, sequence: 7 });
  });

  it('gives the operations back with their keys, where that is unknown', async () => {
    await expect(run('unknown')).rejects.toMatchObject({ outcome: 'unknown', operations });
  });
});
