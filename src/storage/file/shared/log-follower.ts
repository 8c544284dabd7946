import { assert } from '../../../assert.js';
import type { LayeredState } from '../../layered-state.js';
import { type ActiveSegment, newSegment, sha256Of } from '../log/active-segment.js';
import { type DataPaths, damaged, fileNameOf } from '../disk/data-directory.js';
import { type FileSystem, closeQuietly, readFully } from '../disk/file-system.js';
import { NEWLINE } from '../format/record-format.js';
import { foldEvent } from '../recovery/replay.js';
import { scanSegment } from '../format/segment-scan.js';
import type { Mark, MarkFile } from './mark-file.js';
import type { SharedManifests } from './shared-manifests.js';

/** How much is read and folded at a time; more for a longer line. */
const CHUNK_BYTES = 256 * 1024;

export interface LogFollowerDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly manifests: SharedManifests;
  readonly marks: MarkFile;
  readonly state: LayeredState;
  /** Events of other processes were folded; `first` is the sequence of the first of them. */
  readonly onFollowed: (first: number) => void;
  /** Another process has sealed a segment, and the state is now the fold up to its end. */
  readonly onSealed: () => void;
}

/**
 * Keeps the state of this process at the watermark: folds the lines that other processes have
 * written, with the checks of a start. Never reads beyond the watermark. Rejects with
 * DataDirectoryError if those lines are damaged.
 */
export interface LogFollower {
  /** The active segment, up to the byte that this process has read or written. */
  readonly position: ActiveSegment;
  /** Whether other processes have made events durable that are not folded here. */
  isBehind(): boolean;
  /** Resolves when the state has reached the present watermark, or is further. */
  catchUp(): Promise<void>;
  /** Under append.lock, before any write: resolves when the position is exactly at the mark. */
  catchUpToTheByte(): Promise<void>;
  /** Under append.lock: sets the position after this process has itself rotated the log. */
  moveTo(segment: ActiveSegment): void;
  /** Moves from a segment that the manifest lists as sealed to the next one. */
  openNext(): Promise<void>;
  close(): Promise<void>;
}

export function createLogFollower(deps: LogFollowerDeps, start: ActiveSegment): LogFollower {
  const { fileSystem, paths, manifests, marks, state } = deps;
  let position = start;
  /** Catch-ups are serialized; each goes to the mark that it reads when it starts. */
  let underWay: Promise<void> | undefined;

  function isAt({ segment, bytes }: Mark): boolean {
    return position.offsets.first === segment && position.bytes === bytes;
  }

  /**
   * A process ended between the manifest and the mark of a rotation, and this one has joined since:
   * the next write here raises the mark.
   */
  function isOneSegmentPast({ durable, lastCrc }: Mark): boolean {
    const { offsets, bytes } = position;
    const isEmpty = bytes === 0 && offsets.first === durable + 1 && state.lastSequence === durable;
    return isEmpty && position.lastCrc === lastCrc;
  }

  async function followTo(mark: Mark): Promise<void> {
    const first = state.lastSequence + 1;
    while (position.offsets.first !== mark.segment) await finishSegment();
    await readUpTo(mark.bytes);
    if (position.lastCrc !== mark.lastCrc || state.lastSequence !== mark.durable) {
      throw damaged(pathOf(position.name), `byte ${mark.bytes}`, 'is not what the mark says');
    }
    if (state.lastSequence >= first) deps.onFollowed(first);
  }

  /** Without new events it does not touch the position: this process may be writing there. */
  async function followEvents(): Promise<void> {
    const mark = marks.read();
    if (mark.durable > state.published.lastSequence) await followTo(mark);
  }

  async function followBytes(): Promise<void> {
    const mark = marks.read();
    if (!isAt(mark) && !isOneSegmentPast(mark)) await followTo(mark);
  }

  function inOrder(follow: () => Promise<void>): Promise<void> {
    const mine = (underWay ?? Promise.resolve()).then(follow);
    underWay = mine;
    const forget = (): void => {
      if (underWay === mine) underWay = undefined;
    };
    mine.then(forget, forget);
    return mine;
  }

  async function finishSegment(): Promise<void> {
    await manifests.reload();
    const sealed = manifests.current.sealed.find(({ file }) => file === position.name);
    const path = pathOf(position.name);
    if (sealed === undefined) throw damaged(path, 'the end', 'was left without being sealed');
    await readUpTo(sealed.bytes);
    if (sha256Of(position) !== sealed.sha256)
      throw damaged(path, 'the end', 'is not what was sealed');
    await openNext();
    deps.onSealed();
  }

  async function openNext(): Promise<void> {
    const first = position.offsets.last + 1;
    const name = fileNameOf(first);
    const file = await fileSystem.openAppend(pathOf(name));
    await closeQuietly(position.file);
    position = newSegment(name, file, { first, lastCrc: position.lastCrc });
  }

  async function readUpTo(end: number): Promise<void> {
    let size = CHUNK_BYTES;
    while (position.bytes < end) {
      const chunk = Buffer.allocUnsafe(Math.min(size, end - position.bytes));
      const read = await readFully(position.file, chunk, position.bytes);
      if (read < chunk.length) throw damaged(pathOf(position.name), `byte ${end}`, 'is missing');
      const whole = chunk.lastIndexOf(NEWLINE) + 1;
      if (whole === 0 && position.bytes + chunk.length === end) {
        throw damaged(pathOf(position.name), `byte ${end}`, 'does not end a line');
      }
      if (whole === 0) size *= 2;
      else takeIn(chunk.subarray(0, whole));
    }
  }

  function takeIn(lines: Buffer): void {
    const { offsets, bytes: base, lastCrc: previous } = position;
    assert(!position.sealed, 'nothing follows the seal of a segment');
    const scan = scanSegment(lines, { first: offsets.last + 1, previous }, (event, offset) => {
      const objection = foldEvent(state, event, true);
      if (objection === undefined) offsets.push(base + offset);
      return objection;
    });
    if (scan.broken !== undefined) {
      const { offset, what } = scan.broken;
      throw damaged(pathOf(position.name), `byte ${base + offset}`, `the line ${what}`);
    }
    position.hash.update(lines);
    position.bytes += lines.length;
    position.lastCrc = scan.lastCrc;
    position.sealed = scan.sealed;
  }

  function pathOf(name: string): string {
    return `${paths.events}/${name}`;
  }

  return {
    get position() {
      return position;
    },
    isBehind: () => marks.read().durable > state.published.lastSequence,
    catchUp: () => inOrder(followEvents),
    catchUpToTheByte: () => inOrder(followBytes),
    moveTo(segment) {
      position = segment;
    },
    openNext,
    async close() {
      await underWay?.catch(() => undefined);
      await closeQuietly(position.file);
    },
  };
}
