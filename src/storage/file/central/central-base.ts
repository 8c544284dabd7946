import type { AggregateState } from '../../aggregate-state.js';
import { BatchWriter } from '../log/batch-writer.js';
import { type LineMark, endText, stepText } from './central-format.js';
import { type BaseEntry, baseName } from './central-manifest.js';
import { type FileSystem, syncOrDie, writeNewFile } from '../disk/file-system.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';

/** The records of one line are encoded without yielding: half a millisecond of work. */
const RECORDS_PER_LINE = 500;

export interface BaseDeps {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly state: AggregateState;
}

/**
 * Writes every record, a slice at a time, while commits continue: their changes may be in the base
 * or not, and are in the journal that was begun before it. If `stopped` returns true, it ends
 * early, removes the partial file and resolves with undefined.
 */
export async function writeBase(
  { fileSystem, directory, state }: BaseDeps,
  begun: { readonly generation: number; readonly letters: LineMark },
  stopped: () => boolean,
): Promise<BaseEntry | undefined> {
  const file = baseName(begun.generation);
  const path = `${directory}/${file}`;
  let bytes = 0;
  let lastCrc = FIRST_PREVIOUS;
  function* measured(): Iterable<Buffer> {
    const writer = new BatchWriter();
    for (const text of baseTexts(state, begun.letters, () => lastCrc)) {
      if (stopped()) throw new StoppedError();
      writer.begin(lastCrc);
      writer.addLine(text);
      lastCrc = writer.lastCrc;
      bytes += writer.bytes.length;
      yield writer.bytes;
    }
  }
  try {
    await writeNewFile(fileSystem, `${path}.new`, measured());
  } catch (error) {
    if (error instanceof StoppedError) return undefined;
    throw error;
  }
  await fileSystem.rename(`${path}.new`, path);
  await syncOrDie(() => fileSystem.syncDirectory(directory), directory);
  return { file, bytes, lastCrc };
}

function* baseTexts(
  state: AggregateState,
  letters: LineMark,
  previous: () => string,
): Iterable<string> {
  // Read before any record: the journal, applied over the base, ends with this progress or a later.
  const sources = state.sourceNames().map((name) => state.reads.progressOf(name));
  let written = 0;
  for (const progress of sources) {
    if (progress === undefined) continue;
    yield stepText(progress, [], { letters, previous: previous() });
    for (const records of state.storesOf(progress.name)) {
      for (const slice of slicesOf(records)) {
        written += slice.length;
        yield stepText(progress, slice, { letters, previous: previous() });
      }
    }
  }
  yield endText(written, { letters, previous: previous() });
}

function* slicesOf<T>(items: Iterable<T>): Iterable<readonly T[]> {
  let slice: T[] = [];
  for (const item of items) {
    slice.push(item);
    if (slice.length < RECORDS_PER_LINE) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

class StoppedError extends Error {
  override readonly name = 'StoppedError';
}
