import { crc32 } from 'node:zlib';
import { DataDirectoryError } from '../../src/storage/file/disk/errors.js';
import { createSeededRandom } from '../support/seeded-random.js';
import { createSimulatedDisk } from '../support/simulated-disk.js';
import { SECTOR_BYTES } from '../support/simulated-file.js';
import type { Ledger } from './ledger.js';
import { openSimulatedService } from './simulated-service.js';
import { createSimulatedTime } from './simulated-time.js';
import type { Damage } from './story.js';

/**
 * `refused`: at the start, or as soon as it was found; `harmless`: nothing that anybody was told is
 * lost. `unprovable`: the end of the log is gone, and nothing that is left speaks of it: after a kill
 * that can be the last batch, after a loss of power all that is newer than the watermark.
 */
export type DamageVerdict = 'refused' | 'harmless' | 'unprovable';

/** Starts a copy of the directory with one file of it damaged; throws where that is overlooked. */
export async function tryDamage(
  files: ReadonlyMap<string, Buffer>,
  damage: Damage,
  ledger: Ledger,
): Promise<DamageVerdict> {
  const random = createSeededRandom(1);
  const time = createSimulatedTime(random);
  const hurt = damaged(files, damage);
  const disk = createSimulatedDisk(random, { files: hurt, turnsMax: 0 });
  const { fileSystem } = disk.life;
  const defects: unknown[] = [];
  const start = async (): Promise<DamageVerdict> => {
    const storage = await openSimulatedService({
      fileSystem,
      time,
      ids: { next: () => 'another' },
      onFatal: () => defects.push('fatal'),
      onDefect: (error) => defects.push(error),
    });
    await time.pause(100);
    if (storage.said.writable.length > 0) return 'refused';
    const lost = await ledger.check(storage).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (lost === undefined) return 'harmless';
    if (storage.repository.durableSequence() >= provenEnd(hurt)) return 'unprovable';
    throw new Error(`${describe(damage)} was overlooked: ${lost.message}`);
  };
  try {
    const verdict = await time.until(start());
    if (defects.length > 0) throw new Error(`${describe(damage)}: ${String(defects[0])}`);
    return verdict;
  } catch (error) {
    if (error instanceof DataDirectoryError) return 'refused';
    throw error;
  }
}

function describe({ kind, file, place }: Damage): string {
  return `damage (${kind} of ${file} at ${place})`;
}

/** The highest event that any whole line in these files says was durable. */
function provenEnd(files: ReadonlyMap<string, Buffer>): number {
  // What was never put in place is in force nowhere.
  const inForce = [...files].filter(([path]) => !path.endsWith('.new'));
  const lines = inForce.flatMap(([, bytes]) => bytes.toString('latin1').split('\n').slice(0, -1));
  let highest = 0;
  for (const line of lines) {
    const [, before = '', crc] = /^(.*),"crc":"(\w{8})"\}$/.exec(line) ?? [];
    if (crc !== crc32(Buffer.from(before, 'latin1')).toString(16).padStart(8, '0')) continue;
    highest = Math.max(highest, Number(/"durable":(\d+)/.exec(before)?.[1] ?? 0));
  }
  return highest;
}

function damaged(
  files: ReadonlyMap<string, Buffer>,
  { kind, file, place }: Damage,
): Map<string, Buffer> {
  const copy = new Map(files);
  const path = [...files.keys()].sort()[Math.floor(file * files.size)];
  if (path === undefined) return copy;
  const bytes = Buffer.from(files.get(path) ?? []);
  const at = Math.floor(place * bytes.length);
  if (kind === 'remove') copy.delete(path);
  else if (kind === 'cut') copy.set(path, bytes.subarray(0, at));
  else if (kind === 'zero')
    copy.set(path, bytes.fill(0, at - (at % SECTOR_BYTES), Math.min(at + 1, bytes.length)));
  else if (bytes.length > 0) {
    bytes[at]! ^= 1 << (Math.floor(place * 1e6) % 8);
    copy.set(path, bytes);
  }
  return copy;
}
