import { describe, expect, it } from 'vitest';
import { stockKey } from '../../../../src/domain/keys.js';
import { StorageFatalError } from '../../../../src/storage/file/disk/errors.js';
import { createFakeClock } from '../../../support/fake-clock.js';
import { createFakeTimers } from '../../../support/fake-timers.js';
import type { FaultyFileSystem } from '../../../support/faulty-file-system.js';
import { systemError } from '../../../support/simulated-disk.js';
import { createSimulatedSystem } from '../../../support/simulated-system.js';
import { keyedRequest, nothingSaid } from '../../../support/test-storage.js';
import {
  BUSY_POLICY,
  EVENTS,
  SEGMENT,
  bytesOf,
  faultyStorage,
  linesOf,
  quiet,
  restarted,
  watch,
} from '../faulty-storage.js';

const A = stockKey({ storeId: 'S1', sku: 'A' });
const SEGMENT_SYNC = { name: 'dataSync', path: /events\/\d+\.jsonl$/ } as const;
const SEGMENT_APPEND = { name: 'append', path: /events\/\d+\.jsonl$/ } as const;
const SEGMENT_CUT = { name: 'truncate', path: /events\/\d+\.jsonl$/ } as const;
/** Longer than a refusal of writes lasts. */
const LATER_MS = 2_000;
/** After a refused write the disk is tried by itself. */
const PROBED_MS = 5_000;

function namesOn(faulty: FaultyFileSystem, path: RegExp, from = 0): string[] {
  return faulty.operations
    .slice(from)
    .filter((operation) => path.test(operation.path))
    .map(({ name }) => name);
}

describe('an acknowledgement', () => {
  it('waits until the sync of its batch has returned', async () => {
    const { faulty, open } = faultyStorage();
    const storage = await open();
    const sync = faulty.hold(SEGMENT_SYNC);
    const answer = watch(storage.adjust('A', 5));
    await sync.reached;
    await quiet();
    expect(answer.state).toBe('open');
    sync.release();
    await quiet();
    expect(answer.state).toBe('fulfilled');
  });

  it('shows nothing of itself to readers before that', async () => {
    const { faulty, open } = faultyStorage();
    const { repository, service, adjust } = await open();
    await adjust('A', 5, 'first');
    const sync = faulty.hold(SEGMENT_SYNC);
    void service.execute({
      type: 'ReserveStock',
      reservationId: 'r',
      lines: [{ storeId: 'S1', sku: 'A', qty: 2 }],
      reference: 'order',
      ttlMs: 1_000,
    });
    await sync.reached;
    await quiet();
    expect(repository.record(A)).toMatchObject({ version: 1, reserved: 0 });
    expect(repository.durableSequence()).toBe(1);
    expect(await repository.eventsAfter(0, 10)).toHaveLength(1);
    expect(repository.reservation('r')).toBeUndefined();
    expect(repository.reservationsOf('order', { after: undefined, limit: 1 })).toEqual([]);
    expect(repository.holdsOf(A, { after: undefined, limit: 1 })).toEqual([]);
    expect(repository.nextExpiry()).toBeUndefined();
    sync.release();
    await quiet();
    expect(repository.record(A)).toMatchObject({ version: 2, reserved: 2 });
    expect(repository.durableSequence()).toBe(2);
    expect(await repository.eventsAfter(0, 10)).toHaveLength(2);
    expect(repository.nextExpiry()).toBeDefined();
  });

  it('of a refusal waits for the event that it was decided on', async () => {
    const { faulty, open } = faultyStorage();
    const { service, adjust } = await open();
    const sync = faulty.hold(SEGMENT_SYNC);
    void adjust('A', 5);
    await sync.reached;
    const tooMuch = watch(
      service.execute({ type: 'AdjustStock', storeId: 'S1', sku: 'A', delta: -6 }),
    );
    await quiet();
    expect(tooMuch.state).toBe('open');
    sync.release();
    await quiet();
    expect(tooMuch.state).toBe('fulfilled');
  });

  it('of a refusal becomes "not executed" when what it was decided on is lost', async () => {
    const { faulty, open } = faultyStorage();
    const { service, adjust } = await open();
    faulty.failNext(SEGMENT_APPEND, 'EIO');
    const append = faulty.hold(SEGMENT_APPEND);
    const lost = watch(adjust('A', 5));
    await append.reached;
    const refused = watch(
      service.execute({ type: 'AdjustStock', storeId: 'S1', sku: 'A', delta: -6 }),
    );
    await quiet();
    append.release();
    await quiet();
    for (const { error } of [lost, refused]) {
      expect(error).toMatchObject({ code: 'storage-unavailable' });
    }
  });

  it('of a replay waits for the sync of the original', async () => {
    const { faulty, open } = faultyStorage();
    const { adjust } = await open();
    const sync = faulty.hold(SEGMENT_SYNC);
    void adjust('A', 5, 'key');
    await sync.reached;
    const again = watch(adjust('A', 5, 'key'));
    await quiet();
    expect(again.state).toBe('open');
    sync.release();
    await quiet();
    expect(again.state).toBe('fulfilled');
  });
});

describe('the log', () => {
  it('writes a batch only after the sync of the one before has returned', async () => {
    const { faulty, open } = faultyStorage();
    const { adjust } = await open();
    const from = faulty.operations.length;
    const sync = faulty.hold(SEGMENT_SYNC);
    const first = adjust('A', 1);
    await sync.reached;
    const others = Array.from({ length: 50 }, () => adjust('A', 1));
    await quiet();
    expect(namesOn(faulty, /events/, from)).toEqual(['append', 'dataSync']);
    sync.release();
    await Promise.all([first, ...others]);
    expect(namesOn(faulty, /events/, from)).toEqual(['append', 'dataSync', 'append', 'dataSync']);
  });

  it('says in every line how far it was durable before', async () => {
    const { disk, faulty, open } = faultyStorage();
    const { adjust } = await open();
    await adjust('A', 1);
    const sync = faulty.hold(SEGMENT_SYNC);
    const second = adjust('A', 1);
    await sync.reached;
    const [third, fourth] = [adjust('A', 1), adjust('A', 1)];
    sync.release();
    await Promise.all([second, third, fourth]);
    const durable = linesOf(disk).map((line) => [line.sequence ?? line.control, line.durable]);
    expect(durable).toEqual([
      ['boot', 0],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 2],
    ]);
  });

  it('turns writes away while too much waits for the disk', { timeout: 60_000 }, async () => {
    const { faulty, open } = faultyStorage();
    const { service, repository } = await open();
    const big = (batch: number) =>
      service.execute({
        type: 'BatchStock',
        operations: Array.from({ length: 10_000 }, (_, index) => ({
          type: 'AdjustStock' as const,
          storeId: `S${batch}`,
          sku: `K${index}`,
          delta: 1,
        })),
      });
    const sync = faulty.hold(SEGMENT_SYNC);
    const taken = Array.from({ length: 10 }, (_, batch) => big(batch));
    await sync.reached;
    await expect(big(10)).rejects.toMatchObject({ code: 'overloaded' });
    sync.release();
    await Promise.all(taken);
    await expect(big(10)).resolves.toBeDefined();
    await repository.close();
  });

  it('finishes what is under way when it is closed, and takes nothing more', async () => {
    const first = faultyStorage();
    const { adjust, repository } = await first.open();
    const sync = first.faulty.hold(SEGMENT_SYNC);
    const one = adjust('A', 1);
    await sync.reached;
    const two = adjust('A', 1);
    await quiet();
    const closing = repository.close();
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'shutting-down' });
    sync.release();
    await Promise.all([one, two, closing]);
    expect(first.faulty.openFiles).toBe(0);
    const { repository: again } = await restarted(first).open();
    expect(again.recovery).toMatchObject({ clean: true, events: 2 });
  });
});

describe('a disk without room', () => {
  it('drops all that is pending and queued, and goes on when there is room', async () => {
    const first = faultyStorage();
    const { faulty, disk, open } = first;
    const { adjust, repository, system, said } = await open();
    await adjust('A', 5);
    const before = bytesOf(disk, SEGMENT);
    const append = faulty.hold(SEGMENT_APPEND);
    const pending = watch(adjust('A', 1));
    await append.reached;
    const queued = [watch(adjust('A', 1)), watch(adjust('B', 1, 'key'))];
    await quiet();
    faulty.room = 100;
    append.release();
    await quiet();
    for (const { error } of [pending, ...queued]) {
      expect(error).toMatchObject({ code: 'storage-unavailable' });
    }
    expect(bytesOf(disk, SEGMENT)).toEqual(before);
    expect(namesOn(faulty, /events/).slice(-2)).toEqual(['truncate', 'dataSync']);
    expect(repository.record(A)).toMatchObject({ onHand: 5, version: 1 });
    expect(said.writable).toMatchObject([{ code: 'ENOSPC' }]);

    // Reads go on; writes are turned away at once until it is time to try again.
    expect(await repository.eventsAfter(0, 10)).toHaveLength(1);
    const operations = faulty.operations.length;
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(faulty.operations).toHaveLength(operations);

    faulty.room = Infinity;
    system.advance(LATER_MS);
    await adjust('A', 1);
    await adjust('B', 2, 'key');
    expect(said.writable).toEqual([expect.anything(), undefined]);
    expect(repository.record(A)).toMatchObject({ onHand: 6, version: 2 });
    const { events } = await restarted(first).open();
    expect((await events()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('is found to have room again without a write, and not before', async () => {
    const clock = createFakeClock();
    const timers = createFakeTimers(clock);
    const system = { ...createSimulatedSystem(), clock, timers };
    const first = faultyStorage();
    const { faulty, open } = first;
    const { adjust, repository, said } = await open({ system });
    await adjust('A', 5);
    faulty.room = 10;
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    await timers.pass(3 * PROBED_MS);
    expect(repository.takesWrites()).toBe(false);
    faulty.room = Infinity;
    await timers.pass(PROBED_MS);
    await quiet();
    expect(repository.takesWrites()).toBe(true);
    expect(said.writable).toEqual([expect.anything(), undefined]);
    await adjust('A', 1);
    const { events } = await restarted(first).open();
    expect((await events()).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('is taken at once by the write of a client, however often it was tried in vain before', async () => {
    const clock = createFakeClock();
    const timers = createFakeTimers(clock);
    const system = { ...createSimulatedSystem(), clock, timers };
    const { faulty, open } = faultyStorage();
    const breaker = { threshold: 0.5, cooldownMs: 30_000, window: 10, callsMin: 3 };
    const { adjust } = await open({ system, breaker });
    await adjust('A', 5);
    faulty.room = 10;
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    await timers.pass(10 * PROBED_MS);
    faulty.room = Infinity;
    await timers.pass(PROBED_MS / 2);
    expect(await adjust('A', 1)).toMatchObject({ event: { sequence: 2 } });
  });

  it('answers only after the cut is itself durable', async () => {
    const { faulty, open } = faultyStorage();
    const { adjust } = await open();
    faulty.room = 10;
    const cutSync = faulty.hold(SEGMENT_SYNC);
    const answer = watch(adjust('A', 1));
    await cutSync.reached;
    await quiet();
    expect(answer.state).toBe('open');
    cutSync.release();
    await quiet();
    expect(answer.error).toMatchObject({ code: 'storage-unavailable' });
  });

  it('leaves the log as it was, wherever the write came to its end', async () => {
    const first = faultyStorage();
    const { faulty, disk, open } = first;
    const { adjust, system } = await open();
    await adjust('A', 5);
    const before = bytesOf(disk, SEGMENT);
    const lineBytes = before.length - before.indexOf('\n') - 1;
    for (let room = 0; room < lineBytes; room += 1) {
      system.advance(LATER_MS);
      faulty.room = room;
      await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
      expect(bytesOf(disk, SEGMENT).equals(before)).toBe(true);
    }
    faulty.room = Infinity;
    system.advance(LATER_MS);
    await adjust('A', 1);
    const { events, said } = await restarted(first).open();
    expect((await events()).map(({ lines }) => lines[0]?.onHand)).toEqual([5, 6]);
    expect(said.warnings).toEqual([]);
  });

  it('is nothing special among the errors of a write', async () => {
    const { faulty, disk, open } = faultyStorage();
    const { adjust, system } = await open();
    await adjust('A', 5);
    const before = bytesOf(disk, SEGMENT);
    for (const code of ['EIO', 'EFBIG', 'EDQUOT']) {
      faulty.failNext(SEGMENT_APPEND, code);
      system.advance(LATER_MS);
      await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
      expect(bytesOf(disk, SEGMENT).equals(before)).toBe(true);
    }
    system.advance(LATER_MS);
    await adjust('A', 1);
  });

  it('keeps a rotation from being done, again and again, without leaving files open', async () => {
    const first = faultyStorage();
    const { faulty, disk } = first;
    const { adjust, system, repository } = await first.open({ policy: BUSY_POLICY });
    faulty.failAll({ name: 'create', path: /MANIFEST/ }, 'ENOSPC');
    let refused = 0;
    for (let count = 0; count < 20; count += 1) {
      system.advance(LATER_MS);
      await adjust('A', 1).catch(() => (refused += 1));
    }
    expect(refused).toBeGreaterThan(10);
    expect(faulty.openFiles).toBeLessThan(5);
    faulty.heal();
    system.advance(LATER_MS);
    for (let count = 0; count < 20; count += 1) await adjust('A', 1);
    await repository.close();
    expect(faulty.openFiles).toBe(0);
    const names = [...disk.files().keys()].filter((path) => path.startsWith(EVENTS));
    expect(names.length).toBeGreaterThan(1);
    const { repository: again } = await restarted(first).open();
    expect(again.recovery).toMatchObject({ clean: true, events: 40 - refused });
  });

  it('does not undo a rotation whose old file would not close', async () => {
    const first = faultyStorage();
    const { adjust } = await first.open({ policy: BUSY_POLICY });
    first.faulty.failNext({ name: 'close', path: /000000000001\.jsonl$/ }, 'EIO');
    for (let count = 0; count < 20; count += 1) await adjust('A', 1);
    const { repository } = await restarted(first).open();
    expect(repository.recovery.events).toBe(20);
  });

  it('does not keep the service from closing', async () => {
    const first = faultyStorage();
    const { adjust, repository, said } = await first.open();
    await adjust('A', 1);
    first.faulty.failAll({ name: 'create' }, 'ENOSPC');
    await repository.close();
    expect(said.warnings).toEqual([expect.stringContaining('could not be marked as clean')]);
    expect(first.faulty.openFiles).toBe(0);
    const { repository: again } = await restarted(first).open();
    expect(again.recovery).toMatchObject({ clean: false, events: 1 });
  });
});

describe('an event that is durable and cannot be taken in', () => {
  it('ends the process: an answer would say that nothing has happened', async () => {
    const { open, disk } = faultyStorage();
    const { adjust, repository, said } = await open();
    await adjust('A', 7);
    repository.onDurable(() => {
      throw Object.assign(new Error('no room in memory'), { code: 'ENOSPC' });
    });
    const written = watch(adjust('A', 1));
    await quiet();
    expect(written.state).toBe('open');
    expect(said.fatal).toHaveLength(1);
    expect(linesOf(disk).filter(({ sequence }) => sequence !== undefined)).toHaveLength(2);
  });
});

describe('a sync that fails', () => {
  it('is the end: it is reported once, nothing is acknowledged, no other sync is tried', async () => {
    const { faulty, open } = faultyStorage();
    const { adjust, repository, said, system } = await open();
    await adjust('A', 5);
    faulty.failNext(SEGMENT_SYNC, 'EIO');
    const from = faulty.operations.length;
    const answers = [watch(adjust('A', 1)), watch(adjust('B', 1))];
    await quiet();
    answers.push(watch(adjust('A', 1)), watch(adjust('A', 1, 'key')));
    system.advance(LATER_MS);
    answers.push(watch(adjust('C', 1)));
    await quiet();
    expect(answers.map(({ state }) => state)).toEqual(answers.map(() => 'open'));
    expect(said.fatal).toEqual([expect.any(StorageFatalError)]);
    expect(namesOn(faulty, /./, from)).toEqual(['append', 'dataSync']);
    expect(repository.record(A)).toMatchObject({ onHand: 5 });
    expect(repository.durableSequence()).toBe(1);
    await repository.close();
    expect(faulty.openFiles).toBe(0);
    expect(namesOn(faulty, /./, from)).not.toContain('create');
  });

  it('ends it also where it follows a cut, or where the cut fails', async () => {
    for (const fault of [SEGMENT_SYNC, SEGMENT_CUT]) {
      const { faulty, open } = faultyStorage();
      const { adjust, said } = await open();
      faulty.room = 10;
      faulty.failNext(fault, 'EIO');
      const answer = watch(adjust('A', 1));
      await quiet();
      expect(answer.state).toBe('open');
      expect(said.fatal).toEqual([expect.any(StorageFatalError)]);
    }
  });

  it.each([
    ['the seal of a segment', 1, { name: 'dataSync', path: /000000000001\.jsonl$/ }],
    ['a new segment', 1, { name: 'dataSync', path: /events\/0+[2-9]\d*\.jsonl$/ }],
    ['the directory of segments', 1, { name: 'syncDirectory', path: /events$/ }],
    ['the manifest', 1, { name: 'dataSync', path: /MANIFEST/ }],
    ['the directory of the manifest', 1, { name: 'syncDirectory', path: /inventory$/ }],
    ['a snapshot', 1, { name: 'dataSync', path: /snapshots/ }],
    ['the manifest that names a snapshot', 2, { name: 'dataSync', path: /MANIFEST/ }],
    ['the directory of that manifest', 2, { name: 'syncDirectory', path: /inventory$/ }],
  ] as const)('ends it where it is that of %s', async (_what, nth, target) => {
    const { faulty, open } = faultyStorage();
    const { adjust, said } = await open({ policy: BUSY_POLICY });
    // given four events: the fifth is followed by a rotation and a snapshot
    for (let count = 0; count < 4; count += 1) await adjust('A', 1);
    faulty.failNext(target, 'EIO', nth);
    for (let count = 0; count < 8 && said.fatal.length === 0; count += 1) {
      await Promise.race([adjust('A', 1), quiet()]);
    }
    await quiet();
    expect(said.fatal).toEqual([expect.any(StorageFatalError)]);
    const answer = watch(adjust('A', 1, 'key'));
    await quiet();
    expect(answer.state).toBe('open');
  });

  it('ends the start', async () => {
    for (const target of [SEGMENT_SYNC, { name: 'dataSync', path: /MANIFEST/ } as const]) {
      const first = faultyStorage();
      const { adjust } = await first.open();
      await adjust('A', 1);
      const second = restarted(first);
      second.faulty.failNext(target, 'EIO');
      const said = nothingSaid();
      const opening = watch(second.open({ said }));
      await quiet();
      expect(said.fatal).toEqual([expect.any(StorageFatalError)]);
      expect(opening.state).toBe('open');
    }
  });
});

describe('a lock that was lost', () => {
  it('ends it before the next acknowledgement', async () => {
    let held = true;
    const { disk, open } = faultyStorage();
    const { adjust, said } = await open({ presence: { isHeld: () => held } });
    await adjust('A', 1);
    held = false;
    const answer = watch(adjust('A', 1));
    await quiet();
    expect(answer.state).toBe('open');
    expect(said.fatal).toEqual([expect.any(StorageFatalError)]);
    expect(linesOf(disk)).toHaveLength(3);
  });

  it('or of which nobody can say whether it is, is none: what is in the log is not called refused', async () => {
    let isReadable = true;
    const isHeld = (): boolean => {
      if (!isReadable) throw systemError('EACCES', 'stat presence.lock');
      return true;
    };
    const storage = faultyStorage();
    const { adjust, said } = await storage.open({ presence: { isHeld } });
    await adjust('A', 1);
    isReadable = false;
    const answer = watch(adjust('A', 1));
    await quiet();
    expect(answer.state).toBe('open');
    expect(said.fatal).toEqual([expect.any(StorageFatalError)]);

    const { repository } = await restarted(storage).open();
    expect(await repository.record(A)).toMatchObject({ onHand: 2 });
  });

  it('leaves the manifest alone, which may be of another server now', async () => {
    let held = true;
    const { faulty, open } = faultyStorage();
    const { adjust, repository, said } = await open({ presence: { isHeld: () => held } });
    await adjust('A', 1);
    held = false;
    const from = faulty.operations.length;
    await expect(repository.close()).rejects.toThrow(StorageFatalError);
    expect(namesOn(faulty, /MANIFEST/, from)).toEqual([]);
    expect(said.writable).toEqual([]);
  });
});

describe('a write that is asked again', () => {
  it('with its key after "not executed" is executed once', async () => {
    const { faulty, open } = faultyStorage();
    const { service, system, events } = await open();
    const command = { type: 'AdjustStock', storeId: 'S1', sku: 'A', delta: 1 } as const;
    faulty.failNext(SEGMENT_APPEND, 'ENOSPC');
    await expect(service.execute(command, keyedRequest('key'))).rejects.toMatchObject({
      code: 'storage-unavailable',
    });
    system.advance(LATER_MS);
    await service.execute(command, keyedRequest('key'));
    await service.execute(command, keyedRequest('key'));
    expect(await events()).toHaveLength(1);
  });
});
