import { createHash } from 'node:crypto';
import { type DataPaths, fileNameOf } from '../disk/data-directory.js';
import { type FileSystem, syncOrDie, writeNewFile } from '../disk/file-system.js';
import type { CleanMark, SealedSegment } from '../log/manifest.js';
import type { SourceLog } from './source-log.js';
import { readSealed, scanUpTo } from './source-segments.js';

/** The segments of a copy, as its manifest names them; `clean` describes the active one. */
export interface CopiedLog {
  readonly sealed: readonly SealedSegment[];
  readonly clean: CleanMark;
}

/**
 * Copies the log up to and including event `last`, durably: sealed segments unchanged, checked
 * against their hashes, then the required part of the next one, which becomes the active segment.
 */
export async function copyLog(
  fileSystem: FileSystem,
  source: SourceLog,
  to: DataPaths,
  last: number,
): Promise<CopiedLog> {
  const sealed = source.manifest.sealed.filter((segment) => segment.last <= last);
  for (const [index, { file }] of sealed.entries()) {
    const { bytes } = await readSealed(fileSystem, source, index);
    await writeNewFile(fileSystem, `${to.events}/${file}`, [bytes]);
  }
  const rest = await partOf(fileSystem, source, sealed.length, last);
  const file = fileNameOf((sealed.at(-1)?.last ?? 0) + 1);
  await writeNewFile(fileSystem, `${to.events}/${file}`, [rest]);
  await syncOrDie(() => fileSystem.syncDirectory(to.events), to.events);
  const sha256 = createHash('sha256').update(rest).digest('hex');
  return { sealed, clean: { file, bytes: rest.length, sha256, last } };
}

/** The segment at this index, up to and including event `last`. */
async function partOf(
  fileSystem: FileSystem,
  source: SourceLog,
  index: number,
  last: number,
): Promise<Buffer> {
  const isSealed = index < source.manifest.sealed.length;
  const segment = isSealed ? await readSealed(fileSystem, source, index) : source.active;
  return segment.bytes.subarray(0, scanUpTo(segment, last, () => true).end);
}
