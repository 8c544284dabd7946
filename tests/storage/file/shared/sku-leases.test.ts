import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContention } from '../../../../src/storage/file/shared/contention.js';
import { type SkuLeases, createSkuLeases } from '../../../../src/storage/file/shared/sku-leases.js';
import { createSystem } from '../../../../src/system.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

const KEY = 'S1/A';
const TTL_MS = 2_000;

describe('leases of stock records', () => {
  let directory: string;
  let open: SkuLeases[];
  let warnings: string[];

  beforeEach(() => {
    directory = `${temporaryDirectory()}/locks`;
    open = [];
    warnings = [];
  });

  afterEach(() => Promise.all(open.map((leases) => leases.close())));

  /** As one process has them, with a record that is contended, or with none. */
  function start(contended: string | undefined, waitMs = 300): SkuLeases {
    const { clock, timers, random } = createSystem();
    const contention = createContention(() => 0);
    for (let collisions = 0; collisions < 3 && contended !== undefined; collisions += 1) {
      contention.note(contended);
    }
    const leases = createSkuLeases({
      directory,
      clock,
      timers,
      random,
      contention,
      waitMs,
      ttlMs: TTL_MS,
      renewMs: 1_000,
      ownerId: `process-${open.length}`,
      onWarning: (message) => warnings.push(message),
    });
    open.push(leases);
    return leases;
  }

  const locks = () => readdirSync(directory).filter((name) => name.endsWith('.lock'));

  it('are not asked for where nobody is in the way', () => {
    expect(start(undefined).hold([KEY])).toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('are taken once for a burst, say whose they are, and are given back after it', async () => {
    const leases = start(KEY);
    for (let writes = 0; writes < 20; writes += 1) (await leases.hold([KEY]))!();
    expect(leases.figures).toMatchObject({ acquired: 1, contended: 0 });
    expect(locks()).toHaveLength(1);
    const owner = readdirSync(directory).find((name) => name.endsWith('.owner'))!;
    const said = JSON.parse(readFileSync(`${directory}/${owner}`, 'utf8'));
    expect(said).toMatchObject({ key: KEY, owner: 'process-0' });
    while (locks().length > 0) await pause(10);
  });

  it('are given back also where it cannot be said whose they are', async () => {
    const leases = start(KEY);
    const name = createHash('sha256').update(KEY).digest('hex').slice(0, 32);
    mkdirSync(`${directory}/${name}.owner`); // as if there were no room for the note
    (await leases.hold([KEY]))!();
    expect(locks()).toHaveLength(1);

    while (locks().length > 0) await pause(10);

    (await start(KEY).hold([KEY]))!();
    expect(warnings).toEqual([]);
  });

  it('turn a request away that would wait too long, and those behind it at once', async () => {
    const letGo = (await start(KEY).hold([KEY]))!;
    const other = start(undefined, 50);
    await expect(other.hold([KEY])).rejects.toMatchObject({ code: 'lock-contended' });
    const before = other.figures.waitedMs;
    await expect(other.hold([KEY])).rejects.toMatchObject({ code: 'lock-contended' });
    expect(other.figures.waitedMs - before).toBeLessThan(before);
    expect(other.figures).toMatchObject({ contended: 2, timedOut: 2, acquired: 0 });
    letGo();
  });

  it('are handed over to one who waits, between two uses of a burst', async () => {
    const leases = start(KEY);
    const other = start(undefined, 10_000);
    const first = (await leases.hold([KEY]))!;
    const handedOver = { isOver: false };
    const waiting = other.hold([KEY])!.then((letGo) => {
      handedOver.isOver = true;
      letGo();
    });
    await pause(40);
    first();
    while (!handedOver.isOver) {
      (await leases.hold([KEY]))?.();
      await pause(1);
    }
    await waiting;
    expect(other.figures).toMatchObject({ acquired: 1, timedOut: 0 });
  });

  it('are stolen when they are not renewed, and the loser goes on, told of it', async () => {
    const loser = start(KEY);
    const letGo = (await loser.hold([KEY]))!;
    const thief = start(undefined);
    const past = new Date(Date.now() - 2 * TTL_MS);
    utimesSync(`${directory}/${locks()[0]!}`, past, past);
    const both = (await thief.hold([KEY]))!;
    expect(thief.figures).toMatchObject({ acquired: 1, stolen: 1 });
    while (loser.figures.lost === 0) await pause(50);
    expect(warnings).toEqual([expect.stringContaining(`the lease of ${KEY} was lost`)]);
    letGo();
    both();
  });

  it('are done without where they cannot be made, which is counted', async () => {
    const leases = start(KEY);
    rmSync(directory, { recursive: true });
    (await leases.hold([KEY]))!();
    (await leases.hold([KEY]))!();
    expect(leases.figures).toMatchObject({ acquired: 0, unavailable: 2 });
    expect(warnings).toEqual([expect.stringContaining('leases cannot be made')]);
  });
});
