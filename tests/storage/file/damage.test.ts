import { describe, expect, it } from 'vitest';
import { DataDirectoryError } from '../../../src/storage/file/disk/errors.js';
import { reportProof } from '../../support/proof-figures.js';
import { SECTOR_BYTES } from '../../support/simulated-file.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../../support/seeded-random.js';
import { type TestStorage, keyedRequest } from '../../support/test-storage.js';
import { type Image, onLines, startedFrom, withFiles } from './data-images.js';
import { BUSY_POLICY, faultyStorage, quiet } from './faulty-storage.js';

const DAMAGES = Math.round(2_500 * proofScale());

/** A directory, and all that its clients were told. */
interface Subject {
  readonly image: Image;
  readonly truth: string;
}

describe('any damage to any file', () => {
  it(
    'is refused, or nothing that was acknowledged is lost by it',
    { timeout: 300_000 * Math.max(1, proofScale()) },
    async () => {
      const seed = chosenSeed();
      const subjects = [await subject('clean'), await subject('killed'), await subject('writing')];
      let refused = 0;
      for (let count = 0; count < DAMAGES; count += 1) {
        const random = createSeededRandom(seed + count);
        const { image, truth } = random.pick(subjects);
        try {
          if (await isRefused(damage(image, random), truth)) refused += 1;
        } catch (error) {
          throw new Error(`SEED=${seed + count} repeats this`, { cause: error });
        }
      }
      reportProof({
        promise: 'P8',
        seed,
        wrong: 0,
        runs: `${DAMAGES} damages`,
        fault: 'any file damaged: bits, blocks, lines, lengths, whole files',
        checked: `${refused} refused, ${DAMAGES - refused} harmless`,
      });
      expect(refused).toBeGreaterThan(DAMAGES / 2);
    },
  );
});

/** True: the start was refused, or writes are, since old damage was found; false: no harm done. */
async function isRefused(image: Image, truth: string): Promise<boolean> {
  let storage: TestStorage;
  try {
    storage = await startedFrom(image).open();
  } catch (error) {
    expect(error).toBeInstanceOf(DataDirectoryError);
    return true;
  }
  await quiet();
  expect(stateOf(storage)).toBe(truth);
  return storage.said.writable.length > 0;
}

/** Sixty events in several segments with two snapshots. `writing`: killed within one more batch. */
async function subject(end: 'clean' | 'killed' | 'writing'): Promise<Subject> {
  const { disk, faulty, open } = faultyStorage();
  const storage = await open({ policy: BUSY_POLICY });
  for (let number = 0; number < 20; number += 1) await threeEvents(storage, number);
  await quiet();
  const truth = stateOf(storage);
  if (end === 'clean') await storage.repository.close();
  if (end === 'writing') {
    const sync = faulty.hold({ name: 'dataSync', path: /events/ });
    void Promise.all([storage.adjust('Z', 1, 'z-1'), storage.adjust('Z', 1, 'z-2')]);
    await sync.reached;
  }
  return { image: disk.files(), truth };
}

async function threeEvents({ adjust, service }: TestStorage, number: number): Promise<void> {
  const sku = ['A', 'B', 'C'][number % 3]!;
  const reservationId = `reservation-${number}`;
  const lines = [{ storeId: 'S1', sku, qty: 2 }];
  await adjust(sku, 5, `adjust-${number}`);
  const reserve = {
    type: 'ReserveStock',
    reservationId,
    lines,
    reference: 'Bestellung ä',
  } as const;
  await service.execute(reserve, keyedRequest(`reserve-${number}`));
  const commit = { type: 'CommitReservation', reservationId } as const;
  // The fourth of them finds nothing to commit, and that refusal is an event, too.
  const command = number % 4 === 3 ? { ...commit, reservationId: 'none' } : commit;
  await service.execute(command, keyedRequest(`commit-${number}`));
}

/** What is left of the batch that nobody was told of (store S1, SKU Z) is as good as nothing. */
function stateOf({ repository }: TestStorage): string {
  const all = { after: undefined, limit: 1_000 };
  const records = repository.recordsOf('S1', all) as readonly { sku: string }[];
  const reservations = repository.reservationsOf('Bestellung ä', all);
  return JSON.stringify([records.filter(({ sku }) => sku !== 'Z'), reservations]);
}

function damage(image: Image, random: SeededRandom): Image {
  const path = random.pick([...image.keys()]);
  const bytes = Buffer.from(image.get(path)!);
  return withFiles(image, { [path]: random.pick(KINDS)(bytes, random) });
}

type Kind = (bytes: Buffer, random: SeededRandom) => Buffer | undefined;

const KINDS: readonly Kind[] = [
  (bytes, random) => {
    for (let flips = 1 + random.int(3); flips > 0 && bytes.length > 0; flips -= 1) {
      bytes[random.int(bytes.length)]! ^= 1 << random.int(8);
    }
    return bytes;
  },
  (bytes, random) => {
    const start = SECTOR_BYTES * random.int(Math.ceil(bytes.length / SECTOR_BYTES));
    return bytes.fill(0, start, Math.min(start + SECTOR_BYTES, bytes.length));
  },
  (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1)),
  (bytes, random) => onLines((lines) => dropped(lines, random.int(lines.length)))(bytes),
  (bytes, random) => onLines((lines) => repeated(lines, random.int(lines.length)))(bytes),
  (bytes, random) => onLines((lines) => swapped(lines, random.int(lines.length)))(bytes),
  () => undefined,
];

function dropped(lines: Buffer[], at: number): Buffer[] {
  return lines.filter((_, index) => index !== at);
}

function repeated(lines: Buffer[], at: number): Buffer[] {
  return [...lines.slice(0, at + 1), ...lines.slice(at)];
}

function swapped(lines: Buffer[], at: number): Buffer[] {
  const [one, other] = lines.slice(at, at + 2);
  if (one === undefined || other === undefined) return lines;
  return [...lines.slice(0, at), other, one, ...lines.slice(at + 2)];
}
