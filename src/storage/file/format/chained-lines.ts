import type { FileSystem } from '../disk/file-system.js';
import { readLines } from './line-reader.js';
import { FIRST_PREVIOUS, crcOf, hasValidCrc } from './record-format.js';

export interface ChainedLine {
  /** The crc of the preceding line. */
  readonly previous: string;
}

export interface ScannedLines {
  /** Up to here every line is whole and chained to its predecessor. */
  readonly bytes: number;
  readonly crc: string;
  /**
   * `torn`: the last line was never finished. `damaged`: a whole line breaks the chain, or follows
   * a broken line.
   */
  readonly end: 'whole' | 'torn' | 'damaged';
}

/**
 * Reads, chunk by chunk, a file in which each line names the crc of its predecessor; stops after
 * `bytes` if given. `onLine` receives each good line, parsed as JSON, in order.
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
