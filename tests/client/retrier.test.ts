import { describe, expect, it } from 'vitest';
import { InventoryProblem, NoAnswerError, UnexpectedAnswerError } from '../../src/client/errors.js';
import { createRetrier } from '../../src/client/retrier.js';
import {
  type Reply,
  type WireRequest,
  failureOf,
  retryAfterMs,
} from '../../src/client/transport.js';
import type { Problem } from '../../src/client/wire-types.js';

const REQUEST: WireRequest = { method: 'POST', path: '/x', idempotencyKey: 'k' };
const OK: Reply = { kind: 'ok', body: { sequence: 1 } };
const CUT: Reply = { kind: 'unknown', why: 'socket hang up', retryAfterMs: 0 };

function problem(status: number, code: string): Problem {
  const type = `/problems/${code}`;
  return { type, title: '', status, detail: 'why', instance: '/x', code, requestId: 'r' };
}

/** A retrier that gets these replies in turn, and a clock that only its sleeps move. */
function retrierWith(...replies: (Reply | Error)[]) {
  const sent: WireRequest[] = [];
  const slept: number[] = [];
  let nowMs = 0;
  const transport = {
    async send(request: WireRequest) {
      sent.push(request);
      const reply = replies.shift() ?? CUT;
      if (reply instanceof Error) throw reply;
      return reply;
    },
  };
  const policy = { retryForMs: 10_000, backoffBaseMs: 100, backoffMaxMs: 1_000 };
  const retrier = createRetrier(transport, policy, {
    random: () => 0.5,
    async sleep(delayMs) {
      slept.push(delayMs);
      nowMs += delayMs;
    },
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    newId: () => 'id',
  });
  return { retrier, sent, slept };
}

function busy(ms: number): Reply {
  return { kind: 'not-executed', why: '429 rate-limited', retryAfterMs: ms };
}

describe('a retrier', () => {
  it('sends the same request with the same key until there is an answer', async () => {
    const { retrier, sent, slept } = retrierWith(CUT, CUT, CUT, OK);

    expect(await retrier.ask(REQUEST)).toEqual(OK);
    expect(sent).toEqual([REQUEST, REQUEST, REQUEST, REQUEST]);
    expect(slept).toEqual([75, 150, 300]);
  });

  it('takes a refusal for an answer', async () => {
    const refusal = problem(422, 'insufficient-stock');
    const { retrier, sent } = retrierWith({ kind: 'refused', problem: refusal });

    const error = await retrier.ask(REQUEST).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InventoryProblem);
    expect(error).toMatchObject({ code: 'insufficient-stock', status: 422, problem: refusal });
    expect(sent).toHaveLength(1);
  });

  it('waits at least as long as it is told to', async () => {
    const { retrier, slept } = retrierWith(busy(3_000), OK);
    await retrier.ask(REQUEST);

    expect(slept).toEqual([3_025]);
  });

  it('looks before it asks again, from the first attempt of unknown outcome on', async () => {
    const { retrier, sent } = retrierWith(busy(0), CUT, busy(0), OK);
    const looked: number[] = [];
    await retrier.ask(REQUEST, {
      async lookUp() {
        looked.push(sent.length);
        return undefined;
      },
    });

    expect(looked).toEqual([2, 3]);
  });

  it('does not ask again for what it finds to have happened', async () => {
    const { retrier, sent } = retrierWith(CUT);
    const answer = await retrier.ask(REQUEST, { lookUp: async () => 'found' });

    expect(answer).toEqual({ kind: 'found', found: 'found' });
    expect(sent).toHaveLength(1);
  });

  it('looks before the first attempt where somebody before was left in doubt', async () => {
    const { retrier, sent } = retrierWith();
    const answer = await retrier.ask(REQUEST, { inDoubt: true, lookUp: async () => 'found' });

    expect(answer).toEqual({ kind: 'found', found: 'found' });
    expect(sent).toEqual([]);
  });

  it('knows no outcome where one was unknown before, or where it cannot be looked up', async () => {
    const busyAlone = retrierWith(busy(60_000)).retrier;
    await expect(busyAlone.ask(REQUEST, { inDoubt: true })).rejects.toMatchObject({
      outcome: 'unknown',
      idempotencyKey: 'k',
    });
    const lookUp = () => Promise.reject(new NoAnswerError('busy', 'not-executed'));
    await expect(retrierWith(CUT).retrier.ask(REQUEST, { lookUp })).rejects.toMatchObject({
      outcome: 'unknown',
      idempotencyKey: 'k',
    });
  });

  it('keeps the key of what may have been executed, whoever answers the next attempt', async () => {
    const page = new UnexpectedAnswerError('the service answered 404');
    await expect(retrierWith(CUT, page).retrier.ask(REQUEST)).rejects.toMatchObject({
      name: 'NoAnswerError',
      outcome: 'unknown',
      idempotencyKey: 'k',
    });
    await expect(retrierWith(page).retrier.ask(REQUEST)).rejects.toBe(page);
    for (const body of [undefined, { page: 'login' }, 'sold']) {
      const login: Reply = { kind: 'ok', body };
      await expect(retrierWith(CUT, login).retrier.ask(REQUEST)).rejects.toMatchObject({
        outcome: 'unknown',
        idempotencyKey: 'k',
      });
      const first = retrierWith(login).retrier.ask(REQUEST);
      await expect(first).rejects.toBeInstanceOf(UnexpectedAnswerError);
    }
  });

  it.each([
    ['unknown', [CUT, busy(0)]],
    ['not-executed', Array.from({ length: 99 }, () => busy(0))],
  ] as const)('gives up in the end, and says why, and: %s', async (outcome, replies) => {
    const { retrier, slept } = retrierWith(...replies);

    const error = await retrier.ask(REQUEST).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({ outcome, idempotencyKey: 'k' });
    expect((error as Error).message).toMatch(/^gave up after 9 s without an answer \(/);
    expect(slept.reduce((sum, delayMs) => sum + delayMs, 0)).toBeLessThanOrEqual(10_000);
  });
});

describe('an answer without success', () => {
  it.each([
    [404, 'stock-not-found'],
    [409, 'reservation-not-active'],
    [422, 'insufficient-stock'],
    [400, 'validation-failed'],
  ])('of %i %s is final', (status, code) => {
    const body = problem(status, code);
    expect(failureOf(status, body, 0)).toEqual({ kind: 'refused', problem: body });
  });

  it.each([
    [429, 'rate-limited'],
    [503, 'storage-unavailable'],
    [503, 'shutting-down'],
  ])('of %i %s says that nothing was done', (status, code) => {
    expect(failureOf(status, problem(status, code), 2_000)).toEqual({
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

  it('of a gateway is none of the service, whatever JSON it is', () => {
    const said = { code: 'UPSTREAM_TIMEOUT', status: 503, type: 'about:blank' };
    expect(failureOf(503, said, 0)).toMatchObject({ kind: 'unknown', why: '503' });
    expect(() => failureOf(404, { code: 'NO_ROUTE' }, 0)).toThrow(UnexpectedAnswerError);
  });

  it('that no service of ours gives is nothing to ask again for', () => {
    expect(() => failureOf(404, '<html>', 0)).toThrow(UnexpectedAnswerError);
  });
});

describe('Retry-After', () => {
  it.each([
    ['3', 3_000],
    ['Thu, 01 Jan 1970 00:00:09 GMT', 4_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['soon', 0],
    [undefined, 0],
  ])('%s is so many ms: %i', (value, ms) => {
    const headers = new Headers(value === undefined ? {} : { 'Retry-After': value });
    expect(retryAfterMs(headers, { wallMs: () => 5_000 })).toBe(ms);
  });
});
