import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type KeyedMutex, createKeyedMutex } from '../../src/resilience/keyed-mutex.js';

/** Always a promise, as most of these tests want several at a time. */
async function run<T>(
  mutex: KeyedMutex,
  keys: readonly string[],
  task: () => T | Promise<T>,
): Promise<T> {
  return await mutex.runExclusive(keys, task);
}

/** Counts who is inside at the same time. */
function createRoom() {
  let inside = 0;
  const room = {
    most: 0,
    visits: 0,
    async visit(turns = 3): Promise<void> {
      inside += 1;
      room.visits += 1;
      room.most = Math.max(room.most, inside);
      for (let left = turns; left > 0; left -= 1) await turn();
      inside -= 1;
    },
  };
  return room;
}

/** A gate that stays closed until it is opened. */
function createGate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a keyed mutex', () => {
  it('never lets two of 64 tasks hold the same key', async () => {
    const mutex = createKeyedMutex();
    const room = createRoom();
    const tasks = Array.from({ length: 64 }, (_, index) =>
      run(mutex, ['a'], () => room.visit(index % 5)),
    );
    await Promise.all(tasks);
    expect(room).toMatchObject({ most: 1, visits: 64 });
  });

  it('never lets two of 64 tasks share any of their keys', async () => {
    const mutex = createKeyedMutex();
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const rooms = new Map(keys.map((key) => [key, createRoom()]));
    const tasks = Array.from({ length: 64 }, (_, index) => {
      const wanted = keys.filter((_key, place) => (index >> place) % 2 === 1);
      return run(mutex, wanted, async () => {
        await Promise.all(wanted.map((key) => rooms.get(key)!.visit(index % 3)));
      });
    });
    await Promise.all(tasks);
    expect([...rooms.values()].map(({ most, visits }) => [most, visits])).toEqual(
      keys.map(() => [1, 32]),
    );
  });

  it('serves the tasks of a key in the order of their arrival', async () => {
    const mutex = createKeyedMutex();
    const served: number[] = [];
    const tasks = Array.from({ length: 64 }, (_, index) =>
      run(mutex, ['a'], async () => {
        if (index % 3 === 0) await turn();
        served.push(index);
      }),
    );
    await Promise.all(tasks);
    expect(served).toEqual(Array.from({ length: 64 }, (_, index) => index));
  });

  it('lets a latecomer not overtake who waits, when the holder leaves', async () => {
    const mutex = createKeyedMutex();
    const served: string[] = [];
    const gate = createGate();
    const holder = run(mutex, ['a'], () => gate.opened);
    const waiting = run(mutex, ['a'], () => served.push('waiting'));
    gate.open();
    await holder;
    const late = run(mutex, ['a'], () => served.push('late'));
    await Promise.all([waiting, late]);
    expect(served).toEqual(['waiting', 'late']);
  });

  it('does not deadlock when tasks name their keys in crossed orders', async () => {
    const mutex = createKeyedMutex();
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'c'],
      ['c', 'a'],
    ];
    const room = createRoom();
    const tasks = Array.from({ length: 64 }, (_, index) =>
      run(mutex, orders[index % orders.length]!, () => room.visit()),
    );
    await Promise.all(tasks);
    expect(room).toMatchObject({ most: 1, visits: 64 });
  });

  it('takes a key that is named twice once', async () => {
    const mutex = createKeyedMutex();
    expect(await run(mutex, ['a', 'b', 'a'], () => 'done')).toBe('done');
  });

  it('runs independent keys at the same time, and no keys at once', async () => {
    const mutex = createKeyedMutex();
    const gate = createGate();
    const held = run(mutex, ['a', 'b'], () => gate.opened);
    expect(await run(mutex, ['c'], () => 'c')).toBe('c');
    expect(await run(mutex, ['c', 'd'], () => 'c, d')).toBe('c, d');
    expect(await run(mutex, [], () => 'nothing')).toBe('nothing');
    gate.open();
    await held;
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('a defect');
      },
    ],
    ['rejects', () => Promise.reject(new Error('a defect'))],
  ] as const)('is released by a task that %s', async (_, task) => {
    const mutex = createKeyedMutex();
    await expect(run(mutex, ['a'], task)).rejects.toThrow('a defect');
    await expect(run(mutex, ['a', 'b'], task)).rejects.toThrow('a defect');
    const held = run(mutex, ['a'], () => turn());
    await expect(run(mutex, ['a', 'b'], task)).rejects.toThrow('a defect');
    await held;
    expect(mutex.size).toBe(0);
    expect(await run(mutex, ['a', 'b'], () => 'next')).toBe('next');
  });

  it('keeps a key while it is held or waited for, and no longer', async () => {
    const mutex = createKeyedMutex();
    const gate = createGate();
    const held = run(mutex, ['a', 'b'], () => gate.opened);
    const waiting = run(mutex, ['b'], () => undefined);
    await turn();
    expect(mutex.size).toBe(2);
    gate.open();
    await Promise.all([held, waiting]);
    expect(mutex.size).toBe(0);
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => run(mutex, [`k${index}`], turn)));
    expect(mutex.size).toBe(0);
  });

  it('holds its keys for a task that does not return at once, and asks for them only then', async () => {
    const mutex = createKeyedMutex();
    const never = () => {
      throw new Error('nobody has to know the keys');
    };
    expect(mutex.runExclusive(never, () => 'at once')).toBe('at once');
    const gate = createGate();
    const held = mutex.runExclusive(
      () => ['a'],
      () => gate.opened,
    );
    const order: string[] = [];
    const waiting = run(mutex, ['a'], () => order.push('waited'));
    await run(mutex, ['b'], () => order.push('free'));
    gate.open();
    await Promise.all([held, waiting]);
    expect(order).toEqual(['free', 'waited']);
  });

  it('takes thousands of keys at once', async () => {
    const mutex = createKeyedMutex();
    const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}`);
    const sizes = run(mutex, keys, async () => {
      await turn();
      return mutex.size;
    });
    expect(await sizes).toBe(20_000);
    expect(mutex.size).toBe(0);
  });
});
