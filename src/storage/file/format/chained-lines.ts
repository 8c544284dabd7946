import type { FileSystem } from '../disk/file-system.js';
import { readLines } from './line-reader.js';
import { FIRST_PREVIOUS, crcOf, hasValidCrc } from './record-format.js';

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
  bytes?: number,
): Promise<ScannedLines> {
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

  const rest = await readLines(fileSystem, path, {
    onLine: take,
    ...(bytes !== undefined && { bytes }),
  });
  if (rest > 0 && end === 'whole') end = 'torn';
  return { bytes: good, crc, end };
}
