import { createHash } from 'node:crypto';
import type { InventoryEvent } from '../../../domain/events.js';
import type { LayeredState } from '../../layered-state.js';
import { type DataPaths, damaged, readSegment } from '../disk/data-directory.js';
import type { FileSystem } from '../disk/file-system.js';
import type { Manifest } from '../log/manifest.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';
import { scanSegment } from '../format/segment-scan.js';

/**
 * Folds an event: as published if it is known to be durable, else as pending. Returns the objection
 * if it cannot be folded.
 */
export function foldEvent(
  state: LayeredState,
  event: InventoryEvent,
  isDurable: boolean,
): string | undefined {
  if (event.at < state.lastAt) return 'goes back in time';
  const changes = isDurable ? state.appendDurable(event) : state.append(event);
  return 'breach' in changes ? `breaks the one rule: ${changes.what}` : undefined;
}

/**
 * Folds the sealed segments after `state` into it, and checks each in full: hash, chain, last
 * sequence and the one rule. Rejects with DataDirectoryError naming file, line and sequence.
 */
export async function replaySealed(
  { fileSystem, paths }: { readonly fileSystem: FileSystem; readonly paths: DataPaths },
  sealed: Manifest['sealed'],
  state: LayeredState,
  onSegment?: (last: number) => Promise<void>,
): Promise<void> {
  let previous = FIRST_PREVIOUS;
  for (const segment of sealed) {
    const start = { first: segment.first, previous };
    previous = segment.lastCrc;
    if (segment.last <= state.lastSequence) continue;
    const path = `${paths.events}/${segment.file}`;
    if (segment.first !== state.lastSequence + 1) {
      throw damaged(path, `sequence ${segment.first}`, `does not follow ${state.lastSequence}`);
    }
    const bytes = await readSegment(fileSystem, path, segment.first);
    const scan = scanSegment(bytes, start, (event) => foldEvent(state, event, true));
    if (scan.broken !== undefined) {
      const { line, what } = scan.broken;
      throw damaged(path, `line ${line} (sequence ${scan.last + 1})`, what);
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (scan.last !== segment.last || sha256 !== segment.sha256) {
      throw damaged(path, `sequence ${scan.last}`, 'is not what was sealed');
    }
    await onSegment?.(segment.last);
  }
}
