import { Mutex } from 'async-mutex';
import type { AggregateRepository, LetterChange } from '../../../application/central-aggregate.js';
import { UnavailableError } from '../../../domain/errors.js';
import { type ActiveSegment, appendDurably, newSegment } from '../log/active-segment.js';
import { BatchWriter } from '../log/batch-writer.js';
import { writeBase } from './central-base.js';
import { type LineMark, dropText, stepText } from './central-format.js';
import { journalName, saveCentralManifest } from './central-manifest.js';
import { type CentralOpenDeps, openCentral } from './central-open.js';
import { StorageFatalError } from '../disk/errors.js';
import { closeQuietly, removeIfThere, syncOrDie } from '../disk/file-system.js';
import { changeText } from '../format/dead-letter-format.js';
import { createWriteGuard } from '../log/write-guard.js';

export interface FileAggregateDeps extends CentralOpenDeps {
  /** The process must end without another acknowledgement. */
  readonly onFatal: (error: unknown) => void;
  /** In bytes: journals at least as large as this, and as the base, are merged into a new base. */
  readonly journalBytesMin: number;
}

/**
 * The central view on disk. A commit is one synced line of a journal, however many records there
 * are; its changes of dead letters are written and synced before, and count with that line. Once
 * the journals are as large as the base, a new base is written beside them, a slice at a time. If
 * the files are damaged, the view is folded again from its sources. The caller holds the presence
 * lock.
 */
export async function openFileAggregateRepository(
  deps: FileAggregateDeps,
): Promise<AggregateRepository> {
  const { root, fileSystem, onWarning } = deps;
  const directory = `${root}/central`;
  const opened = await openCentral(deps);
  const { state, letters } = opened;
  const guard = createWriteGuard({ ...deps, onWritable: () => undefined });
  const commits = new Mutex();
  const writer = new BatchWriter();
  let { manifest, journal, journalBytes } = opened;
  let counted: LineMark = { bytes: letters.bytes, crc: letters.lastCrc };
  let mergeAt = 0;
  let merging: Promise<void> | undefined;
  let closed = false;

  async function writeLetters(changes: readonly LetterChange[]): Promise<LineMark> {
    if (changes.length === 0) return counted;
    writer.begin(counted.crc);
    for (const change of changes) writer.addLine(changeText(change, writer.lastCrc));
    await appendDurably(letters, writer.bytes, writer.lastCrc);
    return { bytes: letters.bytes, crc: letters.lastCrc };
  }

  /** Atomic: the changes of letters count only with the journal line that `textOf` makes. */
  async function write(
    changes: readonly LetterChange[],
    textOf: (frame: { letters: LineMark; previous: string }) => string,
  ): Promise<void> {
    try {
      const mark = await writeLetters(changes);
      writer.begin(journal.lastCrc);
      writer.addLine(textOf({ letters: mark, previous: journal.lastCrc }));
      await appendDurably(journal, writer.bytes, writer.lastCrc);
      journalBytes += writer.bytes.length;
      counted = mark;
    } catch (error) {
      // After a failed sync the line may be on disk, and then counts them: the next start tells.
      const isKnown = !(error instanceof StorageFatalError);
      if (isKnown && letters.bytes > counted.bytes) await cutLetters();
      throw error;
    }
  }

  /** Cuts letters that no journal line counts: the next ones are appended in their place. */
  async function cutLetters(): Promise<void> {
    try {
      await letters.file.truncate(counted.bytes);
    } catch (error) {
      throw new StorageFatalError(`${letters.name} could not be cut back`, { cause: error });
    }
    await syncOrDie(() => letters.file.dataSync(), letters.name);
    letters.bytes = counted.bytes;
    letters.lastCrc = counted.crc;
  }

  /** Rejects, and does not throw: a merge that a stop interrupts removes its base all the same. */
  async function exclusively(task: () => Promise<void>): Promise<void> {
    if (closed) throw new UnavailableError('shutting-down', 1_000);
    await commits.runExclusive(async () => {
      guard.assertWritable();
      await guard.run(task);
    });
  }

  /** Starts the journal for all further commits; the base that is written next precedes it. */
  async function beginJournal(): Promise<ActiveSegment> {
    const generation = manifest.generation + 1;
    const name = journalName(generation);
    await removeIfThere(fileSystem, `${directory}/${name}`);
    const file = await fileSystem.create(`${directory}/${name}`);
    try {
      await syncOrDie(() => file.dataSync(), name);
      await syncOrDie(() => fileSystem.syncDirectory(directory), directory);
      const journals = [...manifest.journals, name];
      const next = { ...manifest, generation, journals };
      await saveCentralManifest(fileSystem, root, next);
      manifest = next;
    } catch (error) {
      await closeQuietly(file);
      throw error;
    }
    return newSegment(`${directory}/${name}`, file, { first: 1, lastCrc: '00000000' });
  }

  async function merge(): Promise<void> {
    let begun = { generation: 0, letters: counted };
    await exclusively(async () => {
      const before = journal;
      journal = await beginJournal();
      await closeQuietly(before.file);
      begun = { generation: manifest.generation, letters: counted };
    });
    const base = await writeBase({ fileSystem, directory, state }, begun, () => closed);
    if (base === undefined) return;
    const isNamed = () => manifest.base?.file === base.file;
    await exclusively(async () => {
      const old = manifest;
      const journals = [journalName(begun.generation)];
      const next = { ...manifest, base, journals };
      await saveCentralManifest(fileSystem, root, next);
      manifest = next;
      journalBytes = journal.bytes;
      const gone = [old.base?.file, ...old.journals.filter((name) => !journals.includes(name))];
      for (const name of gone) {
        if (name !== undefined) await removeIfThere(fileSystem, `${directory}/${name}`);
      }
    }).catch(async (error: unknown) => {
      // The room that it takes up may be needed.
      if (!isNamed())
        await removeIfThere(fileSystem, `${directory}/${base.file}`).catch(() => undefined);
      throw error;
    });
  }

  function considerMerge(): void {
    const enough = Math.max(deps.journalBytesMin, manifest.base?.bytes ?? 0, mergeAt);
    if (merging !== undefined || closed || journalBytes < enough) return;
    // A failed merge (no room, say) is retried once the journals have grown by `journalBytesMin`.
    mergeAt = journalBytes + deps.journalBytesMin;
    merging = merge()
      .then(() => (mergeAt = 0))
      .catch((error: unknown) => {
        if (error instanceof StorageFatalError) guard.die(error);
        else if (!closed) onWarning(`the central view could not be merged: ${String(error)}`);
      })
      .finally(() => (merging = undefined)) as Promise<void>;
  }

  return {
    ...state.reads,
    async commit(commit) {
      await exclusively(async () => {
        await write(commit.letters, (frame) => stepText(commit.progress, commit.records, frame));
        // Within the exclusive task: a base must not miss a commit of the journals it replaces.
        state.apply(commit);
      });
      considerMerge();
    },
    async retainSources(names, at) {
      const gone = state.sourceNames().filter((name) => !names.includes(name));
      for (const name of gone) {
        const changes = state.droppedLetters(name, at);
        await exclusively(async () => {
          await write(changes, (frame) => dropText(name, frame));
          state.drop(name, changes);
        });
      }
      return gone;
    },
    async close() {
      closed = true;
      await Promise.race([guard.death, merging]);
      await Promise.race([guard.death, commits.runExclusive(async () => undefined)]);
      await closeQuietly(journal.file);
      await closeQuietly(letters.file);
    },
  };
}
