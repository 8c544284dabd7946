/**
 * One line of a segment, UTF-8, terminated by a newline:
 *
 *   {"sequence":812,"epoch":4,"durable":809,"previous":"9af31c02",<event members>,"crc":"1b2c3d4e"}
 *   {"control":"boot","epoch":5,"durable":812,"previous":"1b2c3d4e","at":"…Z","crc":"…"}
 *   {"control":"sealed", …}
 *
 * `crc`: CRC-32 (zlib) of all bytes before `,"crc"`, 8 lowercase hex digits. `previous`: the crc of
 * the preceding line, across segments; 00000000 for the very first. `durable`: the highest sequence
 * known to be synced when this line was written. `epoch`: counts the writers' starts. Control lines
 * have no sequence and are in no feed: `boot` opens an epoch, nothing follows `sealed` in its file.
 */
import { crc32 } from 'node:zlib';
import type { InventoryEvent } from '../../../domain/events.js';
import { type DiskEvent, decodeEvent } from './event-format.js';
import { parseTime } from '../../../time-text.js';

export const FIRST_PREVIOUS = '00000000';
export const NEWLINE = 0x0a;

export const CRC_OPEN = ',"crc":"';
const CRC_OPEN_BYTES = Buffer.from(CRC_OPEN);
const QUOTE = 0x22;
const BRACE = 0x7d;
/** `,"crc":"1b2c3d4e"}` */
export const CRC_BYTES = CRC_OPEN.length + 8 + 2;

export interface LineFrame {
  readonly epoch: number;
  readonly durable: number;
  readonly previous: string;
}

export type ControlKind = 'boot' | 'sealed';

export type LogLine = LineFrame & { readonly crc: string } & (
    | { readonly kind: 'event'; readonly event: InventoryEvent }
    | { readonly kind: ControlKind; readonly at: number }
  );

/** The text of an event's line up to its crc; `members` are from `encodeEvent`. */
export function eventText(sequence: number, frame: LineFrame, members: string): string {
  return (
    `{"sequence":${sequence},"epoch":${frame.epoch},"durable":${frame.durable}` +
    `,"previous":"${frame.previous}",${members}`
  );
}

export function controlText(kind: ControlKind, frame: LineFrame, at: string): string {
  return (
    `{"control":"${kind}","epoch":${frame.epoch},"durable":${frame.durable}` +
    `,"previous":"${frame.previous}","at":"${at}"`
  );
}

export function crcText(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}

/** The end of a line, including its newline. */
export function lineEnd(crc: string): string {
  return `${CRC_OPEN}${crc}"}\n`;
}

/** Whether these bytes (without newline) are a whole line: its crc is present and correct. */
export function hasValidCrc(line: Buffer): boolean {
  const end = line.length - CRC_BYTES;
  if (end <= 0) return false;
  // Byte by byte: a start does this for every line, and creating strings would cost more.
  for (let index = 0; index < CRC_OPEN_BYTES.length; index += 1) {
    if (line[end + index] !== CRC_OPEN_BYTES[index]) return false;
  }
  if (line[line.length - 2] !== QUOTE || line[line.length - 1] !== BRACE) return false;
  return crcDigits(line) === crc32(line.subarray(0, end));
}

/** The value of the 8 lowercase hex digits; NaN if any byte is not one. */
function crcDigits(line: Buffer): number {
  let value = 0;
  for (let index = line.length - 10; index < line.length - 2; index += 1) {
    const byte = line[index] ?? 0;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && (byte < 0x61 || byte > 0x66)) return NaN;
    value = value * 16 + byte - (isDigit ? 0x30 : 0x57);
  }
  return value;
}

/** The crc that a whole line states. */
export function crcOf(line: Buffer): string {
  return line.toString('latin1', line.length - 10, line.length - 2);
}

type DiskControl = LineFrame & { readonly control: ControlKind; readonly at: string };

/**
 * Parses a line (without newline); undefined: it is not whole. Throws if its crc is correct but its
 * content cannot be decoded, as when a newer version wrote it.
 */
export function parseLine(line: Buffer): LogLine | undefined {
  if (!hasValidCrc(line)) return undefined;
  const disk = JSON.parse(line.toString('utf8')) as LineFrame & (DiskEvent | DiskControl);
  const { epoch, durable, previous } = disk;
  const crc = crcOf(line);
  if ('control' in disk) {
    return { epoch, durable, previous, crc, kind: disk.control, at: parseTime(disk.at) };
  }
  return { epoch, durable, previous, crc, kind: 'event', event: decodeEvent(disk) };
}

/** Event lines start `{"s`, control lines `{"c`. */
export function isEventLine(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset + 2] === 0x73;
}
