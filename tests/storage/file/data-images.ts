import { crcText, lineEnd } from '../../../src/storage/file/format/record-format.js';
import type { TestStorage } from '../../support/test-storage.js';
import { EVENTS, type FaultyStorage, emptyDisk, faultyStorage } from './faulty-storage.js';

/** The files of a data directory, by their paths. */
export type Image = ReadonlyMap<string, Buffer>;

export interface ImageOptions {
  /** How many events, each acknowledged before the next. */
  readonly events: number;
  /** Without it, one segment and no snapshot. */
  readonly policy?: { readonly everyEvents: number; readonly logBytesMin: number };
  readonly clean?: boolean;
}

/** A directory as the real repository leaves it behind: stopped clean, or killed. */
export async function imageOf({ events, policy, clean = false }: ImageOptions): Promise<Image> {
  const { disk, open } = faultyStorage();
  const storage = await open(policy && { policy });
  await fill(storage, events);
  if (clean) await storage.repository.close();
  return disk.files();
}

/** Adds one unit at a time to three records, under keys. */
export async function fill({ adjust, repository }: TestStorage, events: number): Promise<void> {
  for (let count = 0; count < events; count += 1) {
    const sequence = repository.durableSequence() + 1;
    await adjust(['A', 'B', 'C'][sequence % 3]!, 1, `key-${sequence}`);
  }
}

export function startedFrom(image: Image): FaultyStorage {
  return faultyStorage(emptyDisk(image));
}

/** The image with some of its files replaced, or (undefined) taken away. */
export function withFiles(image: Image, files: Record<string, Buffer | undefined>): Image {
  const changed = new Map(image);
  for (const [path, bytes] of Object.entries(files)) {
    if (bytes === undefined) changed.delete(path);
    else changed.set(path, bytes);
  }
  return changed;
}

/** The segments, oldest first. */
export function segmentsOf(image: Image): string[] {
  return pathsIn(image, EVENTS);
}

export function pathsIn(image: Image, directory: string): string[] {
  return [...image.keys()].filter((path) => path.startsWith(`${directory}/`)).sort();
}

/** What happened to some file; `lines` are whole lines, newlines included. */
export interface Damage {
  readonly name: string;
  readonly on: (bytes: Buffer) => Buffer;
}

export function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf('\n', start) + 1 || bytes.length;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

/** Changes the lines of a file. */
export function onLines(change: (lines: Buffer[]) => readonly Buffer[]): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.concat([...change(linesIn(bytes))]);
}

/** A log that a writer of another mind might have written: every checksum and link is right. */
export function forged(bytes: Buffer, change: (text: string) => string): Buffer {
  let previous = '00000000';
  const lines = linesIn(bytes).map((line) => {
    const text = change(line.toString().replace(/,"crc":"\w+"\}\n$/, '')).replace(
      /"previous":"\w+"/,
      `"previous":"${previous}"`,
    );
    previous = crcText(Buffer.from(text));
    return Buffer.from(text + lineEnd(previous));
  });
  return Buffer.concat(lines);
}

/** The damages that one line (counted from 0) can suffer; each breaks the file at that line. */
export function damagesOf(line: number): Damage[] {
  const inLine = (change: (line: Buffer) => void) =>
    onLines((lines) =>
      lines.map((each, index) => {
        const copy = Buffer.from(each);
        if (index === line) change(copy);
        return copy;
      }),
    );
  return [
    { name: 'a flipped bit', on: inLine((bytes) => (bytes[30]! ^= 1)) },
    { name: 'a flipped bit in a newline', on: inLine((bytes) => (bytes[bytes.length - 1]! ^= 1)) },
    { name: 'a zeroed block', on: inLine((bytes) => bytes.fill(0, 10, 90)) },
    { name: 'a line dropped', on: onLines((lines) => lines.filter((_, at) => at !== line)) },
    {
      name: 'a line repeated',
      on: onLines((lines) => [...lines.slice(0, line), ...lines.slice(line - 1)]),
    },
    {
      name: 'two lines swapped',
      on: onLines((lines) => [
        ...lines.slice(0, line),
        ...[lines[line + 1]!, lines[line]!],
        ...lines.slice(line + 2),
      ]),
    },
  ];
}
