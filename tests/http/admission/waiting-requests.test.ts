import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import {
  type Arrival,
  createWaitingRequests,
} from '../../../src/http/admission/waiting-requests.js';
import { createFakeClock } from '../../support/fake-clock.js';
import { createFakeTimers } from '../../support/fake-timers.js';

const TICK_MS = 10;
const WAIT_MS_MAX = 1_000;
const WAITING_MAX = 4_096;

function arrivalOf(headers: Record<string, string> = {}): Arrival {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  const response = new ServerResponse(request);
  response.assignSocket(request.socket);
  const neither = (): never => {
    throw new Error('not by itself');
  };
  return {
    request: request as Request,
    response: response as unknown as Response,
    serve: neither,
    send: neither,
  };
}

/** So many have come, a millisecond apart; what became of them is told by their numbers. */
function waitingFor(count: number) {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const left = { room: 0, refusals: 0 };
  const arrivals: Arrival[] = [];
  const takenIn: number[] = [];
  const refused: number[] = [];
  const waiting = createWaitingRequests({
    clock,
    timers,
    waitMsMax: WAIT_MS_MAX,
    room: () => left.room,
    takeIn(arrival) {
      left.room -= 1;
      takenIn.push(arrivals.indexOf(arrival));
    },
    refuse: (arrival) => refused.push(arrivals.indexOf(arrival)),
    mayRefuse: () => (left.refusals -= 1) >= 0,
    soon: (task) => task(),
  });
  function come(arrival = arrivalOf()): boolean {
    clock.advance(1);
    arrivals.push(arrival);
    return waiting.add(arrival);
  }
  for (let each = 0; each < count; each += 1) come();
  return { waiting, clock, timers, left, arrivals, takenIn, refused, come };
}

describe('requests for which there is no room', () => {
  it('are taken in as room comes, the last one first', () => {
    const { waiting, left, takenIn } = waitingFor(5);
    left.room = 2;
    waiting.roomCame();
    expect(takenIn).toEqual([4, 3]);
    left.room = 10;
    waiting.roomCame();
    expect(takenIn).toEqual([4, 3, 2, 1, 0]);
    expect(waiting.size).toBe(0);
  });

  it('are refused in the order in which they came, as many in a time as may be', async () => {
    const { waiting, timers, left, refused } = waitingFor(5);
    left.refusals = 2;
    await timers.pass(TICK_MS);
    expect(refused).toEqual([0, 1]);
    await timers.pass(TICK_MS);
    expect(refused).toEqual([0, 1]);
    left.refusals = 100;
    await timers.pass(TICK_MS);
    expect(refused).toEqual([0, 1, 2, 3, 4]);
    expect([waiting.size, timers.waiting]).toEqual([0, 0]);
  });

  it('are refused, and not taken in, when they have waited for too long', async () => {
    const { clock, timers, left, takenIn, refused, come } = waitingFor(2);
    clock.advance(WAIT_MS_MAX);
    come();
    left.room = 10;
    await timers.pass(0);
    expect(takenIn).toEqual([2]);
    left.refusals = 10;
    await timers.pass(TICK_MS);
    expect(refused).toEqual([0, 1]);
  });

  it('go when their client leaves', async () => {
    const { waiting, timers, left, arrivals, takenIn, refused } = waitingFor(4);
    for (const place of [0, 3]) arrivals[place]?.response.emit('close');
    expect(waiting.size).toBe(2);
    left.room = 1;
    waiting.roomCame();
    left.refusals = 10;
    await timers.pass(TICK_MS);
    expect({ takenIn, refused }).toEqual({ takenIn: [2], refused: [1] });
    for (const arrival of arrivals) arrival.response.emit('close');
    expect(waiting.size).toBe(0);
  });

  it('are not kept in any number, nor with large bodies, or such of which nobody knows', () => {
    const { waiting, come } = waitingFor(0);
    expect(come(arrivalOf({ 'content-length': '16384' }))).toBe(true);
    expect(come(arrivalOf({ 'content-length': '16385' }))).toBe(false);
    expect(come(arrivalOf({ 'transfer-encoding': 'chunked' }))).toBe(false);
    while (waiting.size < WAITING_MAX) expect(come()).toBe(true);
    expect(come()).toBe(false);
  });

  it('are one of a connection at the most, since the last would be begun first', () => {
    const { waiting, come } = waitingFor(0);
    const first = arrivalOf();
    const behind = new ServerResponse(first.request) as unknown as Response;
    expect(come(first)).toBe(true);
    expect(come({ ...first, response: behind })).toBe(false);
    expect(waiting.hasOneOf(first.request.socket)).toBe(true);
    first.response.emit('close');
    expect(waiting.hasOneOf(first.request.socket)).toBe(false);
  });

  it('wait in their order, however many have gone before', async () => {
    const { waiting, timers, left, takenIn, refused, come } = waitingFor(3_000);
    left.refusals = 2_000;
    await timers.pass(TICK_MS);
    expect(refused).toEqual(Array.from({ length: 2_000 }, (_, place) => place));
    come();
    left.room = 1;
    waiting.roomCame();
    expect(takenIn).toEqual([3_000]);
    left.refusals = 1;
    await timers.pass(TICK_MS);
    expect(refused.at(-1)).toBe(2_000);
    expect(waiting.size).toBe(999);
  });
});
