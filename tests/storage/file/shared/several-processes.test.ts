import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decide } from '../../../../src/domain/decide.js';
import { UnavailableError } from '../../../../src/domain/errors.js';
import {
  type Manifest,
  loadManifest,
  saveManifest,
} from '../../../../src/storage/file/log/manifest.js';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import {
  isInUse,
  takePresenceLock,
  takeSharedPresence,
} from '../../../../src/storage/file/disk/presence-lock.js';
import { createCircuitBreaker } from '../../../../src/resilience/circuit-breaker.js';
import { verifyLog } from '../../../../src/storage/file/recovery/verify-log.js';
import { createSystem } from '../../../../src/system.js';
import { A, adjust } from '../../../contracts/repository-under-test.js';
import { createFakeClock } from '../../../support/fake-clock.js';
import {
  type SharingOptions,
  type SharingProcess,
  startSharing,
} from '../../../support/shared-harness.js';
import { createOwnSync } from '../../../support/own-sync.js';
import { chosenSeed, proofScale } from '../../../support/seeded-random.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';
import { copied } from '../copy/copies.js';

/** A segment of a few events each. */
const SMALL_SEGMENTS = { snapshotPolicy: { everyEvents: 3, logBytesMin: 600 } };

describe('processes that share a directory', () => {
  let root: string;
  let alive: SharingProcess[];

  beforeEach(() => {
    root = temporaryDirectory();
    alive = [];
  });

  afterEach(async () => {
    await Promise.all(alive.map(({ repository }) => repository.close()));
    const open = alive.map(({ faulty }) => faulty.openFiles);
    expect(open).toEqual(open.map(() => 0));
  });

  async function start(options?: SharingOptions): Promise<SharingProcess> {
    const process = await startSharing(root, options);
    alive.push(process);
    return process;
  }

  async function kill(process: SharingProcess): Promise<void> {
    alive = alive.filter((each) => each !== process);
    await process.kill();
  }

  /** Another process was killed between the manifest and the watermark of a rotation. */
  async function survivorOfHalfRotation(): Promise<SharingProcess> {
    const [victim, survivor] = [await start(SMALL_SEGMENTS), await start(SMALL_SEGMENTS)];
    await addOne(victim);
    const saved = victim.faulty.hold({ name: 'syncDirectory', path: new RegExp(`^${root}$`) });
    const writing = (async () => {
      for (;;) await addOne(victim);
    })();
    void writing.catch(() => undefined);
    await saved.reached;
    await kill(victim);
    return survivor;
  }

  /** Adds one unit; resolves with the sequence when that is durable. */
  async function addOne({ repository }: SharingProcess): Promise<number> {
    const { result, durable } = await repository.transact(
      (tx) =>
        tx.append(
          decide(adjust(A, 1), { state: tx.state, at: tx.at, reservationRetentionMs: 1_000 }),
        ),
      { records: [A] },
    );
    await durable;
    return result.sequence;
  }

  async function unitsIn({ repository }: SharingProcess): Promise<number> {
    return (await repository.record(A))?.onHand ?? 0;
  }

  async function expectOrder(units: number): Promise<void> {
    const report = await verifyLog(createNodeFileSystem(), root);
    expect(report).toMatchObject({ onHand: units, tornBytes: 0, differences: [] });
  }

  function bytesOfLog(): number {
    const names = readdirSync(`${root}/events`);
    return names.reduce((sum, name) => sum + statSync(`${root}/events/${name}`).size, 0);
  }

  it('show at once what any of them has acknowledged, over segments and snapshots', async () => {
    const processes = [await start(SMALL_SEGMENTS), await start(SMALL_SEGMENTS)];
    for (let units = 1; units <= 60; units += 1) {
      await addOne(processes[units % 2]!);
      expect(await unitsIn(processes[(units + 1) % 2]!)).toBe(units);
    }
    const late = await start(SMALL_SEGMENTS);
    expect(await unitsIn(late)).toBe(60);
    expect(await late.repository.eventsAfter(0, 100)).toEqual(
      await processes[0]!.repository.eventsAfter(0, 100),
    );
    expect(readdirSync(`${root}/events`).length).toBeGreaterThan(5);
    expect(readdirSync(`${root}/snapshots`).length).toBeGreaterThan(0);
    await expectOrder(60);
  });

  it('read while one of them waits for the disk, and see nothing that is not durable', async () => {
    const [writer, reader] = [await start(), await start()];
    await addOne(writer);
    const held = writer.faulty.hold({ name: 'dataSync' });
    const added = addOne(writer);
    await held.reached;
    expect(await unitsIn(reader)).toBe(1);
    expect(await unitsIn(writer)).toBe(1);
    held.release();
    await added;
    expect(await unitsIn(reader)).toBe(2);
  });

  it('turn a write away when another one does not end its turn, and let reads go on', async () => {
    const clock = createFakeClock();
    const [frozen, other] = [await start(), await start({ clock })];
    const held = frozen.faulty.hold({ name: 'dataSync' });
    const added = addOne(frozen);
    await held.reached;
    const refused = addOne(other);
    clock.advance(60_000);
    await expect(refused).rejects.toMatchObject(new UnavailableError('lock-contended', 3_000));
    expect(await unitsIn(other)).toBe(0);
    held.release();
    await added;
    await addOne(other);
    expect(await unitsIn(frozen)).toBe(2);
  });

  it('take turns: neither of two that always want to write is left behind', async () => {
    const processes = [await start(), await start()];
    const counts = [0, 0];
    let isOver = false;
    const writing = processes.map(async (process, index) => {
      while (!isOver) {
        await addOne(process);
        counts[index]! += 1;
        isOver ||= counts[index]! >= 100;
      }
    });
    await Promise.all(writing);
    expect(Math.min(...counts)).toBeGreaterThan(25);
  });

  it('cut what one left behind that was killed in its turn, whenever that was', async () => {
    let isOver = false;
    let acknowledged = 0;
    let killed = 0;
    // In CI every fourth operation, from another one on each time; from PROOF_SCALE=2 on all of them.
    const step = proofScale() > 1 ? 1 : 4;
    for (let nth = 1 + (chosenSeed() % step); !isOver; nth += step) {
      // The first has the role of making snapshots: it is the one that rotates of itself.
      const victim = await start(SMALL_SEGMENTS);
      const survivor = await start(SMALL_SEGMENTS);
      const before = acknowledged;
      victim.faulty.crashAt(nth);
      // Enough for a turn of each kind: with a rotation, and without.
      const writing = (async () => {
        for (let writes = 0; writes < 8; writes += 1) {
          await addOne(victim);
          acknowledged += 1;
        }
      })();
      isOver = await Promise.race([
        writing.then(() => true),
        victim.faulty.crashed.then(() => false),
      ]);
      await kill(victim);
      killed += 1;

      // At most the one that was under way may have become durable without being acknowledged.
      const units = await unitsIn(survivor);
      expect(units).toBeGreaterThanOrEqual(acknowledged);
      expect(units).toBeLessThanOrEqual(acknowledged + 1);
      await addOne(survivor);
      acknowledged = units + 1;
      if (killed % 4 === 0) expect(await unitsIn(await start(SMALL_SEGMENTS))).toBe(acknowledged);
      expect(acknowledged).toBeGreaterThan(before);
      await Promise.all(alive.map(({ repository }) => repository.close()));
      expect(survivor.said.filter((said) => !said.includes('beyond the watermark'))).toEqual([]);
      alive = [];
      await expectOrder(acknowledged);
    }
    expect(killed).toBeGreaterThan(40 / step);
  });

  it('can be stopped when one was killed in the middle of a rotation, and started again', async () => {
    const survivor = await survivorOfHalfRotation();
    const units = await unitsIn(survivor);

    await survivor.repository.close();

    const next = await start(SMALL_SEGMENTS);
    expect(next.repository.recovery).toMatchObject({ clean: true });
    expect(await unitsIn(next)).toBe(units);
    await addOne(next);
    await expectOrder(units + 1);
  });

  it('can be joined after one was killed in the middle of a rotation, before any other writes', async () => {
    const survivor = await survivorOfHalfRotation();

    const joined = await start(SMALL_SEGMENTS);
    const units = await unitsIn(joined);
    expect(await addOne(joined)).toBe(units + 1);
    expect(await unitsIn(survivor)).toBe(units + 1);
    await expectOrder(units + 1);
  });

  it('refuse while what others have changed cannot be read, and go on when it can', async () => {
    const [reader, writer] = [await start(SMALL_SEGMENTS), await start(SMALL_SEGMENTS)];
    await addOne(reader);
    reader.faulty.failAll({ name: 'openRead', path: /MANIFEST/ }, 'EMFILE');
    let units = 1;
    const refusal = await (async () => {
      for (;;) {
        await addOne(writer);
        units += 1;
        try {
          await unitsIn(reader);
        } catch (error) {
          return error;
        }
      }
    })();
    expect(refusal).toMatchObject({ code: 'storage-unavailable' });

    reader.faulty.heal();

    expect(await unitsIn(reader)).toBe(units);
    await addOne(reader);
    await expectOrder(units + 1);
  });

  it('lose nothing but the batch of one that finds no room, and that one comes back', async () => {
    const clock = createFakeClock();
    const [full, other] = [await start({ clock }), await start()];
    await addOne(other);
    full.faulty.room = 40;
    await expect(addOne(full)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(await addOne(other)).toBe(2);
    expect(await unitsIn(full)).toBe(2);
    full.faulty.room = Infinity;
    clock.advance(1_000);
    expect(await addOne(full)).toBe(3);
    await expectOrder(3);
  });

  it('do not take a turn without events for a sign that there is room again', async () => {
    const clock = createFakeClock();
    const full = await start({ clock });
    await addOne(full);
    full.faulty.room = 10;
    await expect(addOne(full)).rejects.toMatchObject({ code: 'storage-unavailable' });
    clock.advance(1_000);
    await full.repository.transact(() => 'refused', { records: [A] });
    await pause(100);
    expect(full.repository.takesWrites()).toBe(false);

    full.faulty.room = Infinity;
    clock.advance(1_000);
    await full.repository.transact(() => 'refused', { records: [A] });
    await pause(100);
    expect(full.repository.takesWrites()).toBe(true);
  });

  it('open no breaker by turns of their own, such as those for a rotation that is due', async () => {
    const clock = createFakeClock();
    const policy = { threshold: 0.5, cooldownMs: 30_000, window: 10, callsMin: 5 };
    const breaker = createCircuitBreaker(policy, clock);
    const snapshotPolicy = { everyEvents: 12, logBytesMin: 600 };
    const full = await start({ clock, breaker, snapshotPolicy });
    for (let count = 0; count < 12; count += 1) await addOne(full);
    full.faulty.room = 10;
    await expect(addOne(full)).rejects.toMatchObject({ code: 'storage-unavailable' });
    await pause(600); // some ten turns
    expect(breaker.state).toBe('closed');

    full.faulty.room = Infinity;
    clock.advance(1_000);
    expect(await addOne(full)).toBe(13);
  });

  it('fold what others have acknowledged before, however far behind they are', async () => {
    const [writer, central] = [await start(), await start()];
    const sync = createOwnSync(central.repository, createSystem());
    await Promise.all(Array.from({ length: 500 }, () => addOne(writer)));
    expect(await sync.worker.runNow()).toMatchObject({ applied: 500 });
    expect(sync.worker.status()).toMatchObject({ lag: 0 });
  });

  it('read what there was before, where one has started without room and has got it since', async () => {
    const [before] = [await start()];
    await addOne(before);
    await kill(before);
    const clock = createFakeClock();
    const full = await start({ clock, room: 10 });
    await expect(addOne(full)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(await full.repository.event(1)).toMatchObject({ sequence: 1 });
    full.faulty.room = Infinity;
    clock.advance(1_000);
    expect(await addOne(full)).toBe(2);
    expect(await full.repository.eventsAfter(0, 10)).toHaveLength(2);
  });

  it('count none of their own changes as those of another one', async () => {
    const alone = await start();
    const sync = alone.faulty.hold({ name: 'dataSync', path: /events/ });
    const first = addOne(alone);
    await sync.reached;
    // Asked for while the first one is pending, and decided in the next turn.
    const second = addOne(alone);
    sync.release();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(alone.repository.sharing).toMatchObject({ superseded: 0, followed: 0 });
  });

  it('never show, and cut, what one wrote whose sync failed; that one ends', async () => {
    const [failing, other] = [await start(), await start()];
    await addOne(failing);
    const size = bytesOfLog();
    failing.faulty.failNext({ name: 'dataSync' }, 'EIO');
    let answered = false;
    void addOne(failing).finally(() => (answered = true));
    expect(String(await failing.fatal)).toContain('sync of');
    expect(bytesOfLog()).toBeGreaterThan(size);

    // It holds its turn until it has ended.
    expect(await unitsIn(other)).toBe(1);
    await kill(failing);
    expect(await addOne(other)).toBe(2);
    expect(other.said).toEqual([expect.stringContaining('beyond the watermark were cut')]);
    expect(answered).toBe(false);
    await expectOrder(2);
  });

  it('end rather than write once a lock file has been replaced', async () => {
    const [first, second] = [await start(), await start()];
    renameSync(`${root}/append.lock`, `${root}/moved.lock`);
    void addOne(first).catch(() => undefined);
    expect(String(await first.fatal)).toContain('a lock is lost');
    await kill(first);
    void addOne(second).catch(() => undefined);
    expect(String(await second.fatal)).toContain('a lock is lost');
    await kill(second);
    const next = await start();
    expect(await addOne(next)).toBe(1);
  });

  it('make snapshots in one process at a time; another one goes on when that one is killed', async () => {
    const first = await start(SMALL_SEGMENTS);
    await addOne(first);
    const second = await start(SMALL_SEGMENTS);
    const makesSnapshots = ({ faulty }: SharingProcess) =>
      faulty.operations.some(({ name, path }) => name === 'create' && path.includes('/snapshots/'));
    const writeUntil = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) {
        await addOne(second);
        await pause(5);
      }
    };

    await writeUntil(() => makesSnapshots(first));
    await writeUntil(() => readdirSync(`${root}/snapshots`).length === 2);
    expect(makesSnapshots(second)).toBe(false);
    await kill(first);
    await writeUntil(() => makesSnapshots(second));
  });

  it('leave a clean mark when the last one stops, also when two stop at once', async () => {
    const processes = [await start(), await start(), await start()];
    await addOne(processes[0]!);
    await processes[1]!.repository.close();
    expect(JSON.parse(readFileSync(`${root}/MANIFEST.json`, 'utf8'))).toMatchObject({
      clean: null,
    });
    await Promise.all(processes.map(({ repository }) => repository.close()));
    const next = await start();
    expect(next.repository.recovery).toMatchObject({ clean: true, events: 1 });
    await kill(next);
    expect((await start()).repository.recovery).toMatchObject({ clean: false, events: 1 });
  });

  it('keep the lock to the end of their last turn, however slow their loop is', async () => {
    const slow = await start({ loopTurnMs: 20 });
    await addOne(slow);
    await slow.repository.close();
    await pause(60);
    expect(slow.said).toEqual([]);
    expect(await addOne(await start())).toBe(2);
  });

  it.each([
    ['nothing beyond the watermark while one lives', true, 5],
    ['every whole event where none does', false, 6],
  ])('are backed up with %s', async (_what, lives, last) => {
    const one = await start();
    for (let units = 1; units <= 5; units += 1) await addOne(one);
    const watermark = readFileSync(`${root}/watermark`);
    await addOne(one);
    await kill(one);
    // As if it had been killed before it raised the watermark.
    writeFileSync(`${root}/watermark`, watermark);
    const to = `${temporaryDirectory()}/copy`;

    const fileSystem = createNodeFileSystem();
    const report = await copied({ fileSystem, from: root, to, isInUse: lives });

    expect(report.lastSequence).toBe(last);
  });

  it('are in use while any of them lives', async () => {
    expect(isInUse(root)).toBe(false);
    const [one, other] = [await start(), await start()];
    await kill(one);
    expect(isInUse(root)).toBe(true);
    await kill(other);
    expect(isInUse(root)).toBe(false);
  });

  it.each([true, false])('refuse a directory of another version; others live: %s', async (live) => {
    const one = await start();
    if (!live) await kill(one);
    const fileSystem = createNodeFileSystem();
    const manifest = await loadManifest(fileSystem, root);
    const later = { ...manifest!, format: manifest!.format + 1 } as Manifest;
    await saveManifest(fileSystem, root, later);

    await expect(startSharing(root)).rejects.toThrow(/format \d/);

    await saveManifest(fileSystem, root, manifest!);
  });

  it('keep out a server that does not share, and are kept out by one', async () => {
    const sharing = await start();
    expect(() => takePresenceLock(root)).toThrow(/with LOCKS_ENABLED=true .*pid \d+/);
    await sharing.repository.close();
    const alone = takePresenceLock(root);
    await expect(takeSharedPresence(root, createSystem().timers)).rejects.toThrow(
      /without LOCKS_ENABLED .*pid \d+/,
    );
    alone.release();
    expect(await addOne(await start())).toBe(1);
  });

  it('wait for the one that repairs the directory, and then only follow', async () => {
    const first = await start();
    await addOne(first);
    await kill(first);
    const alone = await takeSharedPresence(root, createSystem().timers);
    expect(alone.isAlone).toBe(true);
    let joined = false;
    const joining = takeSharedPresence(root, createSystem().timers).then((presence) => {
      joined = true;
      return presence;
    });
    await pause(60);
    expect(joined).toBe(false);
    alone.share();
    const other = await joining;
    expect(other.isAlone).toBe(false);
    expect([other.tryAlone(), alone.tryAlone()]).toEqual([false, false]);
    alone.release();
    expect(other.tryAlone()).toBe(true);
    other.release();
  });
});
