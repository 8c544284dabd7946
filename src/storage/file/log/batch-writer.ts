import type { InventoryEvent } from '../../../domain/events.js';
import { encodeEvent } from '../format/event-format.js';
import { type LineFrame, crcText, eventText, lineEnd } from '../format/record-format.js';

/** A UTF-16 unit is at most this many bytes in UTF-8. */
const BYTES_PER_UNIT_MAX = 3;

/** Builds consecutive lines in one buffer, each chained to its predecessor. */
export class BatchWriter {
  private buffer = Buffer.allocUnsafe(64 * 1_024);
  private used = 0;
  private starts: number[] = [];
  private crc = '';

  /** Starts a batch that follows the line whose crc is `previous`. */
  begin(previous: string): void {
    this.used = 0;
    this.starts = [];
    this.crc = previous;
  }

  /** The bytes of the batch so far; valid until the next `begin`. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  /** The crc of the last line. */
  get lastCrc(): string {
    return this.crc;
  }

  /** Where each event of the batch starts in `bytes`. */
  get eventStarts(): readonly number[] {
    return this.starts;
  }

  addEvent(event: InventoryEvent, frame: Omit<LineFrame, 'previous'>): void {
    this.starts.push(this.used);
    const { epoch, durable } = frame;
    const previous = this.crc;
    this.addLine(eventText(event.sequence, { epoch, durable, previous }, encodeEvent(event)));
  }

  /** `text`: a line up to its crc. */
  addLine(text: string): void {
    this.makeRoom(text.length * BYTES_PER_UNIT_MAX + 32);
    const start = this.used;
    this.used += this.buffer.write(text, start, 'utf8');
    this.crc = crcText(this.buffer.subarray(start, this.used));
    this.used += this.buffer.write(lineEnd(this.crc), this.used, 'latin1');
  }

  private makeRoom(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.used + bytes));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}
