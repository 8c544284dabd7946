import { describe, expect, it } from 'vitest';
import { type ApiRequest, type Reply, failureOf } from '../../src/cli/import/api-client.js';
import { createPatientClient } from '../../src/cli/import/patience.js';

const REQUEST: ApiRequest = { method: 'POST', path: '/x', idempotencyKey: 'k' };
const OK: Reply = { kind: 'ok', body: 'sold' };
const CUT: Reply = { kind: 'unknown', why: 'socket hang up', retryAfterMs: 0 };

/** A client that gets these replies in turn, and a clock that only its sleeps move. */
function patienceWith(...replies: Reply[]) {
  const sent: ApiRequest[] = [];
  const slept: number[] = [];
  let nowMs = 0;
  const client = createPatientClient({
    client: {
      async send(request) {
        sent.push(request);
        return replies.shift() ?? CUT;
      },
    },
    random: { next: () => 0.5 },
    async sleep(delayMs) {
      slept.push(delayMs);
      nowMs += delayMs;
    },
    monotonicMs: () => nowMs,
    patienceMs: 10_000,
    backoffBaseMs: 100,
    backoffMaxMs: 1_000,
  });
  return { client, sent, slept };
}

function busy(retryAfterMs: number): Reply {
  return { kind: 'not-executed', why: '429 rate-limited', retryAfterMs };
}

describe('a patient client', () => {
  it('sends the same request with the same key until there is an answer', async () => {
    const { client, sent, slept } = patienceWith(CUT, CUT, CUT, OK);

    expect(await client.ask({ request: REQUEST, read: String })).toEqual({
      kind: 'ok',
      value: 'sold',
    });
    expect(sent).toEqual([REQUEST, REQUEST, REQUEST, REQUEST]);
    expect(slept).toEqual([75, 150, 300]);
  });

  it('takes a refusal for an answer', async () => {
    const refusal = { kind: 'refused', code: 'insufficient-stock', detail: '' } as const;
    const { client, sent } = patienceWith(refusal);

    expect(await client.ask({ request: REQUEST, read: String })).toEqual(refusal);
    expect(sent).toHaveLength(1);
  });

  it('waits at least as long as it is told to', async () => {
    const { client, slept } = patienceWith(busy(3_000), OK);
    await client.ask({ request: REQUEST, read: String });

    expect(slept).toEqual([3_025]);
  });

  it('looks before it asks again, from the first attempt of unknown outcome on', async () => {
    const { client, sent } = patienceWith(busy(0), CUT, busy(0), OK);
    const looked: number[] = [];
    await client.ask({
      request: REQUEST,
      read: String,
      async lookUp() {
        looked.push(sent.length);
        return undefined;
      },
    });

    expect(looked).toEqual([2, 3]);
  });

  it('does not ask again for what it finds to have happened', async () => {
    const { client, sent } = patienceWith(CUT);
    const answer = await client.ask({
      request: REQUEST,
      read: String,
      lookUp: async () => 'found',
    });

    expect(answer).toEqual({ kind: 'ok', value: 'found' });
    expect(sent).toHaveLength(1);
  });

  it('looks before the first attempt where an earlier import is in doubt', async () => {
    const { client, sent } = patienceWith();
    const inDoubt = { request: REQUEST, read: String, inDoubt: true };
    const answer = await client.ask({ ...inDoubt, lookUp: async () => 'found' });

    expect(answer).toEqual({ kind: 'ok', value: 'found' });
    expect(sent).toEqual([]);
  });

  it('gives up in the end, and says why', async () => {
    const { client, slept } = patienceWith();

    await expect(client.ask({ request: REQUEST, read: String })).rejects.toThrow(
      'gave up after 10 s without an answer (socket hang up)',
    );
    expect(slept.reduce((sum, delayMs) => sum + delayMs, 0)).toBeLessThanOrEqual(10_000);
  });
});

describe('an answer without success', () => {
  const problem = (code: string) => ({ code, detail: 'why' });

  it.each([
    [404, 'stock-not-found'],
    [409, 'reservation-not-active'],
    [422, 'insufficient-stock'],
  ])('of %i %s is final', (status, code) => {
    expect(failureOf(status, problem(code), 0)).toEqual({ kind: 'refused', ...problem(code) });
  });

  it.each([
    [429, 'rate-limited'],
    [503, 'storage-unavailable'],
    [503, 'shutting-down'],
  ])('of %i %s says that nothing was done', (status, code) => {
    expect(failureOf(status, problem(code), 2_000)).toEqual({
      kind: 'not-executed',
      why: `${status} ${code}`,
      retryAfterMs: 2_000,
    });
  });

  it.each([408, 429, 500, 502, 503])(
    'of %i from whoever stands between tells nothing',
    (status) => {
      expect(failureOf(status, undefined, 2_000)).toEqual({
        kind: 'unknown',
        why: `${status}`,
        retryAfterMs: 2_000,
      });
    },
  );

  it.each([
    [400, 'validation-failed'],
    [404, 'not-found'],
    [422, 'idempotency-key-reused'],
  ])('of %i %s ends the import', (status, code) => {
    expect(() => failureOf(status, problem(code), 0)).toThrow(
      `the service answered ${status} ${code} why`,
    );
  });
});
