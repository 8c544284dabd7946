/**
 * The file `watermark` as several processes use it (for its line see ../log/watermark.ts). Every
 * byte up to the mark is durable and final; bytes beyond it do not count, and the next process to
 * hold append.lock cuts them.
 */
import * as fs from 'node:fs';
import { WATERMARK_BYTES, parseWatermark, watermarkLine } from '../log/watermark.js';

/** The durable end of the log. */
export interface Mark {
  /** The last durable event. */
  readonly durable: number;
  /** First sequence of the segment in which the log ends. */
  readonly segment: number;
  /** Where its durable bytes end. */
  readonly bytes: number;
  /** The crc of the last line, which the next line names as `previous`. */
  readonly lastCrc: string;
}

export interface MarkFile {
  /** The current mark; throws if the file has no valid one. */
  read(): Mark;
  /** Only under append.lock, and only after the sync of everything before it. */
  write(mark: Mark): void;
  close(): void;
}

/** A read may see another process's overwrite in progress, which takes a microsecond. */
const READS_MAX = 1_000;

/**
 * Synchronous, unlike other access to the log: it takes 1 µs in the page cache, less than handing
 * it to another thread; and a process must publish in the same turn of its event loop in which
 * others can see the mark, or it could show an older state than they already did.
 */
export function openMarkFile(path: string): MarkFile {
  const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  const buffer = Buffer.alloc(WATERMARK_BYTES);
  const seen = Buffer.alloc(WATERMARK_BYTES);
  let current: Mark | undefined;

  return {
    read() {
      for (let attempt = 0; attempt < READS_MAX; attempt += 1) {
        const length = fs.readSync(descriptor, buffer, 0, WATERMARK_BYTES, 0);
        if (current !== undefined && buffer.equals(seen)) return current;
        const mark = length === WATERMARK_BYTES ? asMark(buffer) : undefined;
        if (mark === undefined) continue;
        buffer.copy(seen);
        current = mark;
        return mark;
      }
      throw new Error(`${path} cannot be trusted: stop all servers of the directory, start again`);
    },
    write(mark) {
      const { durable, segment, bytes, lastCrc } = mark;
      const line = watermarkLine({ durable, segment, bytes, last: lastCrc });
      const written = fs.writeSync(descriptor, line, 0, line.length, 0);
      if (written !== line.length) throw new Error(`${path} was written in part`);
    },
    close: () => fs.closeSync(descriptor),
  };
}

function asMark(line: Buffer): Mark | undefined {
  const found = parseWatermark(line);
  if (found?.segment === undefined || found.bytes === undefined || found.last === undefined) {
    return undefined;
  }
  const { durable, segment, bytes, last } = found;
  return { durable, segment, bytes, lastCrc: last };
}
