import { type FileSystem, closeQuietly, readFully } from '../disk/file-system.js';
import { NEWLINE } from './record-format.js';

const CHUNK_BYTES = 1024 * 1024;

export interface LineReading {
  /** Receives a line without its newline; the bytes are valid only during the call. */
  readonly onLine: (line: Buffer) => void;
  /** Receives all bytes in order, each chunk before the lines that end in it. */
  readonly onChunk?: (chunk: Buffer) => void;
  /** Where to stop; the end of the file by default. */
  readonly bytes?: number;
}

/**
 * Reads a file of lines chunk by chunk, so that a large file is never in memory as a whole.
 * Resolves with the number of bytes after the last newline.
 */
export async function readLines(
  fileSystem: FileSystem,
  path: string,
  { onLine, onChunk, bytes = Infinity }: LineReading,
): Promise<number> {
  const file = await fileSystem.openRead(path);
  try {
    const size = Math.min(bytes, await file.size());
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
    const begun = new BegunLine();
    for (let position = 0; position < size;) {
      const wanted = buffer.subarray(0, Math.min(buffer.length, size - position));
      const chunk = wanted.subarray(0, await readFully(file, wanted, position));
      if (chunk.length === 0) break;
      position += chunk.length;
      onChunk?.(chunk);
      takeLines(chunk, begun, onLine);
    }
    return begun.length;
  } finally {
    await closeQuietly(file);
  }
}

function takeLines(chunk: Buffer, begun: BegunLine, onLine: (line: Buffer) => void): void {
  let start = 0;
  for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
    onLine(begun.completedBy(chunk.subarray(start, end)));
    start = end + 1;
  }
  begun.goesOn(chunk.subarray(start));
}

/** A line that continues in the next chunk. Copied once, however many chunks it spans. */
class BegunLine {
  private parts: Buffer[] = [];
  length = 0;

  goesOn(part: Buffer): void {
    if (part.length === 0) return;
    // The next read overwrites the chunk's buffer.
    this.parts.push(Buffer.from(part));
    this.length += part.length;
  }

  completedBy(part: Buffer): Buffer {
    if (this.length === 0) return part;
    const line = Buffer.concat([...this.parts, part]);
    this.parts = [];
    this.length = 0;
    return line;
  }
}
