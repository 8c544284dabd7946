import type { LetterChange } from '../../../application/central-aggregate.js';
import { type AggregateState, createAggregateState } from '../../aggregate-state.js';
import {
  type CentralLine,
  type LineMark,
  decodeProgress,
  decodeRecords,
} from './central-format.js';
import { CentralDamage, type CentralManifest, LETTERS_FILE } from './central-manifest.js';
import { type ChainedLine, type ScannedLines, scanChainedLines } from '../format/chained-lines.js';
import { type FileSystem, errorCode } from '../disk/file-system.js';
import { type LetterLine, decodeChange } from '../format/dead-letter-format.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';

export interface LoadedCentral {
  readonly state: AggregateState;
  /** How far the newest journal and dead-letters.jsonl count: the rest was never committed. */
  readonly journal: LineMark;
  readonly letters: LineMark;
  /** The size of all journals together. */
  readonly journalBytes: number;
}

export const EMPTY_MARK: LineMark = { bytes: 0, crc: FIRST_PREVIOUS };

/** Reads the files that the manifest names; rejects with CentralDamage if any cannot be right. */
export async function loadCentral(
  fileSystem: FileSystem,
  root: string,
  manifest: CentralManifest,
): Promise<LoadedCentral> {
  const state = createAggregateState();
  let letters = EMPTY_MARK;
  let journal = EMPTY_MARK;
  let journalBytes = 0;
  let counted = -1;

  function take(chained: ChainedLine): void {
    const line = chained as CentralLine;
    letters = line.letters;
    if ('dropped' in line) state.drop(line.dropped, []);
    else if ('source' in line) {
      const records = decodeRecords(line.records);
      state.apply({ progress: decodeProgress(line.source), records, letters: [] });
    } else counted = line.records;
  }

  if (manifest.base !== null) {
    const { file, bytes, lastCrc } = manifest.base;
    const found = await scan(fileSystem, `${root}/central/${file}`, take);
    const isSame = found.bytes === bytes && found.crc === lastCrc && found.end === 'whole';
    // A negative `counted`: the base lacks its end line.
    if (!isSame || counted < 0) throw new CentralDamage(`${file} is damaged`);
  }
  for (const [index, file] of manifest.journals.entries()) {
    const found = await scan(fileSystem, `${root}/central/${file}`, take);
    const isLast = index === manifest.journals.length - 1;
    if (found.end === 'damaged' || (found.end === 'torn' && !isLast)) {
      throw new CentralDamage(`${file} is damaged at byte ${found.bytes}`);
    }
    journal = { bytes: found.bytes, crc: found.crc };
    journalBytes += found.bytes;
  }
  await loadLetters(fileSystem, root, letters, state);
  return { state, journal, letters, journalBytes };
}

async function loadLetters(
  fileSystem: FileSystem,
  root: string,
  mark: LineMark,
  state: AggregateState,
): Promise<void> {
  if (mark.bytes === 0) return;
  const path = `${root}/${LETTERS_FILE}`;
  const changes: LetterChange[] = [];
  const found = await scan(
    fileSystem,
    path,
    (line) => changes.push(decodeChange(line as LetterLine)),
    mark.bytes,
  );
  if (found.bytes !== mark.bytes || found.crc !== mark.crc) {
    throw new CentralDamage(`${LETTERS_FILE} is damaged at byte ${found.bytes}`);
  }
  state.applyLetters(changes);
}

async function scan(
  fileSystem: FileSystem,
  path: string,
  onLine: (line: ChainedLine) => void,
  bytes?: number,
): Promise<ScannedLines> {
  try {
    return await scanChainedLines(fileSystem, path, onLine, bytes);
  } catch (error) {
    const code = errorCode(error);
    // Its checksum was correct: it was written like this, perhaps by another version.
    if (code === undefined) throw new CentralDamage(`${path} is not understood`, { cause: error });
    if (code !== 'ENOENT') throw error;
    throw new CentralDamage(`${path} is missing`, { cause: error });
  }
}
