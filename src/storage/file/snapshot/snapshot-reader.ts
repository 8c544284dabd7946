import { stockKey } from '../../../domain/keys.js';
import type { ReservationLine, StockRecord } from '../../../domain/stock.js';
import { PublishedState } from '../../published-state.js';
import { cellOf } from '../format/columns.js';
import { hasValidCrc } from '../format/record-format.js';
import {
  type KeyColumns,
  type RecordColumns,
  type ReservationColumns,
  SNAPSHOT_FORMAT,
  type SnapshotEnd,
  type SnapshotHead,
  type SnapshotRows,
} from './snapshot-format.js';

/** Reads a snapshot line by line; throws an Error that describes any damage. */
export class SnapshotReader {
  private readonly state = new PublishedState();
  private at = 0;
  private lines = 0;
  private ended = false;

  take(text: Buffer): void {
    this.lines += 1;
    if (this.ended || !hasValidCrc(text)) throw new Error(`line ${this.lines} is damaged`);
    const content: unknown = JSON.parse(text.toString('utf8'));
    if (this.lines === 1) this.begin(content as SnapshotHead);
    else this.load(content as SnapshotRows | SnapshotEnd);
  }

  /** The state that was read; `unfinished`: the number of bytes after the last whole line. */
  finish(unfinished: number): PublishedState {
    if (unfinished > 0) throw new Error(`line ${this.lines + 1} is damaged`);
    if (!this.ended) throw new Error(`line ${this.lines + 1}: the end is missing`);
    return this.state;
  }

  private begin({ snapshot, sequence, at }: SnapshotHead): void {
    if (snapshot !== SNAPSHOT_FORMAT) {
      throw new Error(`it has format ${snapshot}, not ${SNAPSHOT_FORMAT}`);
    }
    this.state.startAt(sequence, at);
    this.at = at;
  }

  private load(content: SnapshotRows | SnapshotEnd): void {
    if ('end' in content) this.end(content);
    else if ('records' in content) this.loadRecords(content.records);
    else if ('reservations' in content) this.loadReservations(content.reservations);
    else this.loadKeys(content.keys);
  }

  private end({ records, reservations, keys }: SnapshotEnd): void {
    const { counts } = this.state;
    if (
      counts.records !== records ||
      counts.reservations !== reservations ||
      counts.keys !== keys
    ) {
      throw new Error('its parts do not add up');
    }
    this.ended = true;
  }

  private loadRecords(columns: RecordColumns): void {
    const { storeId, onHand, reserved, version, updatedAt, sequence, skips } = columns;
    for (const [row, sku] of columns.sku.entries()) {
      const record: StockRecord = {
        storeId,
        sku,
        onHand: cellOf(onHand, row),
        reserved: cellOf(reserved, row),
        version: cellOf(version, row),
        updatedAt: this.at + cellOf(updatedAt, row),
        sequence: cellOf(sequence, row),
        skips: skips?.[row] ?? undefined,
      };
      this.state.putRecord(stockKey(record), record);
    }
  }

  private loadReservations(columns: ReservationColumns): void {
    const { version, status, reference, createdAt, expiresAt, retainUntil } = columns;
    const { line, lines, sequence, events } = columns;
    let firstLine = 0;
    let firstEvent = 0;
    for (const [row, id] of columns.id.entries()) {
      const endOfLines = firstLine + cellOf(lines, row);
      const endOfEvents = firstEvent + cellOf(events, row);
      this.state.putReservation({
        id,
        version: cellOf(version, row),
        status: cellOf(status, row),
        reference: cellOf(reference, row),
        createdAt: this.at + cellOf(createdAt, row),
        expiresAt: this.timeOf(cellOf(expiresAt, row)),
        retainUntil: this.timeOf(cellOf(retainUntil, row)),
        lines: cells(firstLine, endOfLines, (index) => lineOf(line, index)),
        sequences: cells(firstEvent, endOfEvents, (index) => cellOf(sequence, index)),
      });
      firstLine = endOfLines;
      firstEvent = endOfEvents;
    }
  }

  private loadKeys({ digest, fingerprint, sequence, until }: KeyColumns): void {
    for (const [row, each] of digest.entries()) {
      this.state.putKey(each, {
        fingerprint: cellOf(fingerprint, row),
        sequence: cellOf(sequence, row),
        until: this.at + cellOf(until, row),
      });
    }
  }

  private timeOf(fromAt: number | null): number | null {
    return fromAt === null ? null : this.at + fromAt;
  }
}

function lineOf(line: ReservationColumns['line'], index: number): ReservationLine {
  return {
    storeId: cellOf(line.storeId, index),
    sku: cellOf(line.sku, index),
    qty: cellOf(line.qty, index),
    held: cellOf(line.held, index),
    committed: cellOf(line.committed, index),
    released: cellOf(line.released, index),
    expired: cellOf(line.expired, index),
  };
}

function cells<T>(start: number, end: number, of: (index: number) => T): T[] {
  const found: T[] = [];
  for (let index = start; index < end; index += 1) found.push(of(index));
  return found;
}
