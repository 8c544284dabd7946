import { describe, expect, it } from 'vitest';
import { stockKey } from '../../../../src/domain/keys.js';
import type { StoredReservation } from '../../../../src/domain/stock.js';
import { dataPaths, makeDirectories } from '../../../../src/storage/file/disk/data-directory.js';
import { snapshotDifferences } from '../../../../src/storage/file/snapshot/snapshot-compare.js';
import { loadSnapshot } from '../../../../src/storage/file/snapshot/snapshot-load.js';
import { snapshotTexts } from '../../../../src/storage/file/snapshot/snapshot-texts.js';
import { writeSnapshot } from '../../../../src/storage/file/snapshot/snapshot-write.js';
import { PublishedState } from '../../../../src/storage/published-state.js';

import { ROOT, emptyDisk } from '../faulty-storage.js';

const AT = 1_766_000_000_000;

function putRecords(state: PublishedState, storeId: string, count: number, varied: boolean): void {
  for (let index = 0; index < count; index += 1) {
    const numbers = varied
      ? { onHand: index, reserved: index % 3, version: 1 + index, sequence: 1 + index }
      : { onHand: 7, reserved: 0, version: 1, sequence: 1 };
    const record = {
      storeId,
      sku: `K ${index}`,
      ...numbers,
      updatedAt: AT - (varied ? index * 9e8 : 0),
      skips: varied && index % 5 === 0 ? [index, index + 1] : undefined,
    };
    state.putRecord(stockKey(record), record);
  }
}

function reservation(index: number, lines: number): StoredReservation {
  const closed = index % 4 === 1;
  return {
    id: `hold-${index}`,
    version: 1 + (index % 2),
    status: closed ? 'released' : 'active',
    reference: index % 3 === 0 ? null : `"Ordér" ${index}`,
    createdAt: AT - index,
    expiresAt: index % 5 === 0 ? AT + index : null,
    retainUntil: closed ? AT + 1 + index : null,
    lines: Array.from({ length: lines }, (_, line) => {
      const qty = { qty: 5, held: closed ? 0 : 5, committed: 0, released: closed ? 5 : 0 };
      return { storeId: `S${line}`, sku: `K ${index}`, ...qty, expired: 0 };
    }),
    sequences: index % 2 === 0 ? [index] : [index, index + 10],
  };
}

async function throughDisk(state: PublishedState): Promise<PublishedState> {
  const { fileSystem } = emptyDisk().life;
  const paths = dataPaths(ROOT);
  await makeDirectories(fileSystem, paths);
  const onChunk = (): void => undefined;
  const entry = await writeSnapshot({ fileSystem, paths, onChunk }, state.freeze());
  return await loadSnapshot(fileSystem, `${paths.snapshots}/${entry.file}`, entry);
}

describe('a snapshot', () => {
  it('brings back all that the state has, in its order', async () => {
    const state = new PublishedState();
    state.startAt(5_000, AT);
    putRecords(state, 'S1', 2_500, true);
    putRecords(state, 'S0', 1, true);
    for (let index = 0; index < 2_500; index += 1) {
      state.putReservation(reservation(index, 1 + (index % 3)));
      state.putKey(`key-${index}`, { fingerprint: `f${index}`, sequence: index, until: AT + 9e9 });
    }
    const loaded = await throughDisk(state);
    expect(snapshotDifferences(state, loaded)).toEqual([]);
    expect(loaded).toMatchObject({ lastSequence: 5_000, lastAt: AT, counts: state.counts });
    expect([...loaded.allKeys()]).toEqual([...state.allKeys()]);
    expect([...loaded.allReservations()]).toEqual([...state.allReservations()]);
    expect([...loaded.skus('S1', undefined)]).toEqual([...state.skus('S1', undefined)]);
  });

  it('is made in small pieces, however many lines reservations have', () => {
    const state = new PublishedState();
    state.startAt(1, AT);
    for (let index = 0; index < 400; index += 1) state.putReservation(reservation(index, 300));
    const longest = Math.max(...[...snapshotTexts(state.freeze())].map(({ length }) => length));
    expect(longest).toBeLessThan(500_000);
  });

  it('brings back rows that are all the same, and single ones', async () => {
    for (const count of [1, 2, 1_000, 1_001]) {
      const state = new PublishedState();
      state.startAt(1, AT);
      putRecords(state, 'S1', count, false);
      for (let index = 0; index < count; index += 1) {
        state.putReservation({ ...reservation(0, 2), id: `hold-${index}` });
        state.putKey(`key-${index}`, { fingerprint: 'same', sequence: 1, until: AT + 1 });
      }
      const loaded = await throughDisk(state);
      expect(snapshotDifferences(state, loaded)).toEqual([]);
      expect(loaded.counts).toEqual({ records: count, reservations: count, keys: count });
    }
  });

  it('leaves out what is forgotten by its own time, and may be of nothing', async () => {
    const state = new PublishedState();
    state.startAt(1, AT);
    for (const [id, retainUntil] of [['over', AT] as const, ['kept', AT + 1] as const]) {
      state.putReservation({ ...reservation(1, 1), id, retainUntil });
      state.putKey(id, { fingerprint: 'f', sequence: 1, until: retainUntil });
    }
    const loaded = await throughDisk(state);
    expect(loaded.counts).toEqual({ records: 0, reservations: 1, keys: 1 });
    expect(loaded.reservation('kept')).toEqual(state.reservation('kept'));
    expect(loaded.keyEntry('kept')).toEqual(state.keyEntry('kept'));
    expect((await throughDisk(new PublishedState())).lastSequence).toBe(0);
  });
});
