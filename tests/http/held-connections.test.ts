import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createHeldConnections } from '../../src/http/held-connections.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeTimers } from '../support/fake-timers.js';

const FREE = 20;
const TICK_MS = 10;

/** So many connections were refused in one step; `room` is what the lanes have left. */
async function refuseAll(count: number, room = { left: 0 }) {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const held = createHeldConnections({ clock, timers }, () => room.left);
  const sockets = Array.from({ length: count }, () => new Socket());
  for (const socket of sockets) held.refused(socket);
  await turn();
  const paused = (): number => sockets.filter((socket) => socket.isPaused()).length;
  return { held, sockets, clock, timers, paused };
}

describe('connections of refused requests', () => {
  it('are read on while few are refused', async () => {
    const { paused, timers } = await refuseAll(FREE);
    expect(paused()).toBe(0);
    await timers.pass(TICK_MS);
    expect(timers.waiting).toBe(0);
  });

  it('are held beyond that, and read again in turn, so many in every tick', async () => {
    const { held, paused, sockets, timers } = await refuseAll(FREE + 50);
    expect(paused()).toBe(50);
    await timers.pass(TICK_MS);
    expect(paused()).toBe(30);
    expect(sockets.slice(FREE, FREE + 20).some((socket) => socket.isPaused())).toBe(false);
    await timers.pass(TICK_MS);
    await timers.pass(TICK_MS);
    expect(paused()).toBe(0);
    expect(held.size).toBe(0);
    expect(timers.waiting).toBe(0);
  });

  it('are read again at the same rate where the loop is slow, and the tick late', async () => {
    const { clock, paused, timers } = await refuseAll(FREE + 100);
    clock.advance(4 * TICK_MS);
    await timers.pass(0);
    expect(paused()).toBe(20);
  });

  it('are all read again as soon as there is room for them', async () => {
    const room = { left: 0 };
    const { paused, timers } = await refuseAll(FREE + 100, room);
    room.left = 1_000;
    await timers.pass(TICK_MS);
    expect(paused()).toBe(0);
  });

  it('may be gone by then', async () => {
    const { held, sockets, timers } = await refuseAll(FREE + 1);
    sockets.at(-1)?.destroy();
    held.refused(sockets.at(-1)!);
    await turn();
    await timers.pass(TICK_MS);
    expect(held.size).toBe(0);
  });
});
