import { type FileSystem, closeQuietly, readFully } from './file-system.js';
import { FIRST_PREVIOUS, NEWLINE, crcOf, hasValidCrc } from './record-format.js';

const CHUNK_BYTES = 1024 * 1024;

export interface ChainedLine {
  /** The crc of the line before. */
  readonly previous: string;
}

export interface ScannedLines {
  /** Up to here every line is whole and follows the one before. */
  readonly bytes: number;
  readonly crc: string;
  /** `torn`: a last line that was never finished; `damaged`: whole lines lie behind a broken one. */
  readonly end: 'whole' | 'torn' | 'damaged';
}

/**
 * Reads a file of lines that each name the crc of the one before, a chunk at a time; up to `bytes`
 * where that is given. `onLine` gets what JSON.parse made of each good one, in order.
 */
export async function scanChainedLines(
  fileSystem: FileSystem,
  path: string,
  onLine: (line: ChainedLine) => void,
  bytes = Infinity,
): Promise<ScannedLines> {
  const file = await fileSystem.openRead(path);
  let good = 0;
  let crc = FIRST_PREVIOUS;
  let end = 'whole' as ScannedLines['end'];

  function take(line: Buffer): void {
    const isValid = hasValidCrc(line);
    if (end !== 'whole') {
      if (isValid) end = 'damaged';
      return;
    }
    const parsed = isValid ? (JSON.parse(line.toString('utf8')) as ChainedLine) : undefined;
    if (parsed?.previous !== crc) {
      end = isValid ? 'damaged' : 'torn';
      return;
    }
    onLine(parsed);
    good += line.length + 1;
    crc = crcOf(line);
  }

  try {
    const size = Math.min(bytes, await file.size());
    let rest: Buffer = Buffer.alloc(0);
    for (let position = 0; position < size;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - position));
      const read = await readFully(file, chunk, position);
      if (read === 0) break;
      position += read;
      rest = takeLines(Buffer.concat([rest, chunk.subarray(0, read)]), take);
    }
    if (rest.length > 0 && end === 'whole') end = 'torn';
    return { bytes: good, crc, end };
  } finally {
    await closeQuietly(file);
  }
}

/** Takes every line that has its end; gives what is left. */
function takeLines(bytes: Buffer, take: (line: Buffer) => void): Buffer {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return bytes.subarray(start);
    take(bytes.subarray(start, end));
    start = end + 1;
  }
}
