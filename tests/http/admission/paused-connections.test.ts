import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPausedConnections } from '../../../src/http/admission/paused-connections.js';
import { createFakeClock } from '../../support/fake-clock.js';
import { createFakeTimers } from '../../support/fake-timers.js';

/** Read again in every tick; as many may be refused in one without being held. */
const FREE = 15;
const TICK_MS = 10;

/** So many connections were refused in one step. */
async function refuseAll(count: number) {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const held = createPausedConnections({ clock, timers });
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
    expect(paused()).toBe(35);
    expect(sockets.slice(FREE, FREE + 15).some((socket) => socket.isPaused())).toBe(false);
    await timers.pass(3 * TICK_MS);
    expect(paused()).toBe(0);
    expect(held.size).toBe(0);
    expect(timers.waiting).toBe(0);
  });

  it('are read again at the same rate where the loop is slow, and the tick late', async () => {
    const { clock, paused, timers } = await refuseAll(FREE + 100);
    clock.advance(4 * TICK_MS);
    await timers.pass(0);
    expect(paused()).toBe(40);
  });

  it('use up what may be refused and read on', async () => {
    const { held, paused, sockets, timers } = await refuseAll(FREE + 20);
    await timers.pass(TICK_MS);
    expect(paused()).toBe(5);
    held.refused(sockets[FREE]!);
    await turn();
    expect(paused()).toBe(6);
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
