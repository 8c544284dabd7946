import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type GroupCommit,
  createGroupCommit,
} from '../../../../src/storage/file/log/group-commit.js';
import { createSimulatedSystem } from '../../../support/simulated-system.js';

interface Write {
  readonly items: readonly string[];
  succeed(): void;
  fail(error: Error): void;
}

/** A group commit whose writes end when the test says so. */
function heldWrites(): {
  commits: GroupCommit<string>;
  writes: Write[];
  events: string[];
  settle: () => Promise<void>;
  advance: (ms: number) => void;
} {
  const writes: Write[] = [];
  const events: string[] = [];
  const { timers, clock, advance } = createSimulatedSystem();
  const commits = createGroupCommit<string>({
    timers,
    now: () => clock.monotonicMs(),
    write: (items) =>
      new Promise((resolve, reject) => {
        writes.push({ items: [...items], succeed: resolve, fail: reject });
      }),
    onFailed: () => void events.push('failed'),
    weigh: (item) => item.length,
  });
  return { commits, writes, events, settle: turn, advance };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe('group commit', () => {
  it('writes what arrived in one turn as one batch', async () => {
    const { commits, writes, settle } = heldWrites();
    void commits.add('a');
    void commits.add('b');
    expect(writes).toHaveLength(0);
    await settle();
    expect(writes.map(({ items }) => items)).toEqual([['a', 'b']]);
  });

  it('waits for those who keep arriving, turn after turn', async () => {
    const { commits, writes, settle } = heldWrites();
    void commits.add('first');
    for (const item of ['a', 'b', 'c', 'd']) {
      void commits.add(item);
      await nextTurn();
    }
    expect(writes).toHaveLength(0);
    await settle();
    expect(writes.map(({ items }) => items)).toEqual([['first', 'a', 'b', 'c', 'd']]);
  });

  it('waits for them no longer than 2 ms', async () => {
    const { commits, writes, advance } = heldWrites();
    void commits.add('first');
    for (const item of ['a', 'b', 'c', 'd']) {
      void commits.add(item);
      advance(1);
      await nextTurn();
    }
    expect(writes.map(({ items }) => items)).toEqual([['first', 'a', 'b']]);
  });

  it('has one write under way, and starts the next when that has returned', async () => {
    const { commits, writes, settle } = heldWrites();
    void commits.add('a');
    await settle();
    void commits.add('b');
    void commits.add('c');
    await settle();
    expect(writes).toHaveLength(1);
    writes[0]!.succeed();
    await settle();
    expect(writes.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
  });

  it('resolves a promise with the write of its own batch, not with one before', async () => {
    const { commits, writes, events, settle } = heldWrites();
    void commits.add('a').then(() => events.push('a is done'));
    await settle();
    void commits.add('b').then(() => events.push('b is done'));
    await settle();
    expect(events).toEqual([]);
    writes[0]!.succeed();
    await settle();
    expect(events).toEqual(['a is done']);
    writes[1]!.succeed();
    await settle();
    expect(events).toEqual(['a is done', 'b is done']);
  });

  it('lets those who only look wait for the newest that they may have seen', async () => {
    const { commits, writes, events, settle } = heldWrites();
    expect(commits.pending()).toBeUndefined();
    void commits.add('a');
    await settle();
    void commits.pending()?.then(() => events.push('who saw a'));
    void commits.add('b');
    void commits.pending()?.then(() => events.push('who saw b'));
    writes[0]!.succeed();
    await settle();
    expect(events).toEqual(['who saw a']);
    writes[1]!.succeed();
    await settle();
    expect(events).toEqual(['who saw a', 'who saw b']);
    expect(commits.pending()).toBeUndefined();
  });

  it('rejects a batch that failed and all that came later, after the state is put right', async () => {
    const { commits, writes, events, settle } = heldWrites();
    const hear = (name: string) => (error: unknown) => {
      events.push(`${name}: ${(error as Error).message}`);
    };
    commits.add('a').catch(hear('a'));
    await settle();
    commits.add('b').catch(hear('b'));
    writes[0]!.fail(new Error('no room'));
    await settle();
    expect(events).toEqual(['failed', 'a: no room', 'b: no room']);
    expect(writes).toHaveLength(1);
  });

  it('goes on after a failure', async () => {
    const { commits, writes, settle } = heldWrites();
    commits.add('a').catch(() => undefined);
    await settle();
    writes[0]!.fail(new Error('no room'));
    await settle();
    const done = commits.add('b');
    await settle();
    writes[1]!.succeed();
    await expect(done).resolves.toBeUndefined();
    expect(writes.map(({ items }) => items)).toEqual([['a'], ['b']]);
  });

  it('weighs what is being written and what waits', async () => {
    const { commits, writes, settle } = heldWrites();
    void commits.add('aaa');
    await settle();
    void commits.add('bb');
    expect(commits.pendingWeight).toBe(5);
    writes[0]!.succeed();
    await settle();
    expect(commits.pendingWeight).toBe(2);
    writes[1]!.succeed();
    await settle();
    expect(commits.pendingWeight).toBe(0);
  });
});
