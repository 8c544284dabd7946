import type { StockRecord, StoredReservation } from '../../../domain/stock.js';
import type { FrozenState } from '../../frozen-state.js';
import { columnOf } from '../format/columns.js';
import {
  type KeyColumns,
  type RecordColumns,
  type ReservationColumns,
  SNAPSHOT_FORMAT,
  type SnapshotLine,
} from './snapshot-format.js';

const ROWS_PER_LINE = 1_000;
/**
 * A line is built without yielding: 1,000 reservations of a thousand lines each would block the
 * loop for a second.
 */
const CELLS_PER_LINE = 5_000;

/**
 * The lines of a snapshot, each up to its crc; reservations and keys that have expired at the time
 * of the state's last event are omitted. All columns of a line are filled in one pass over its
 * rows: rows are scattered in memory, and each is fetched once.
 */
export function* snapshotTexts(state: FrozenState): Iterable<string> {
  const { lastSequence: sequence, lastAt: at } = state;
  yield textOf({ snapshot: SNAPSHOT_FORMAT, sequence, at });
  const count = { records: 0, reservations: 0, keys: 0 };
  for (const storeId of state.stores) {
    for (const rows of recordChunks(state, storeId)) {
      count.records += rows.length;
      yield textOf({ records: recordColumns(rows, storeId, at) });
    }
  }
  for (const rows of reservationChunks(state.reservations)) {
    const reservations = reservationColumns(rows, at);
    count.reservations += reservations.id.length;
    yield textOf({ reservations });
  }
  // In order of use, so that after loading the oldest are still forgotten first.
  for (let start = 0; start < state.keyDigests.length; start += ROWS_PER_LINE) {
    const keys = keyColumns(state, start);
    count.keys += keys.digest.length;
    yield textOf({ keys });
  }
  yield textOf({ end: true, ...count });
}

/** Consecutive records of one store, in SKU order. */
function* recordChunks(state: FrozenState, storeId: string): Iterable<readonly StockRecord[]> {
  for (let after: string | undefined; ;) {
    const records = state.recordsOf(storeId, after, ROWS_PER_LINE);
    if (records.length > 0) yield records;
    if (records.length < ROWS_PER_LINE) return;
    after = records.at(-1)?.sku;
  }
}

function* reservationChunks(
  all: readonly StoredReservation[],
): Iterable<readonly StoredReservation[]> {
  let start = 0;
  let cells = 0;
  for (const [index, { lines, sequences }] of all.entries()) {
    const end = index + 1;
    cells += lines.length + sequences.length;
    if (cells < CELLS_PER_LINE && end - start < ROWS_PER_LINE && end < all.length) continue;
    yield all.slice(start, end);
    start = end;
    cells = 0;
  }
}

function recordColumns(rows: readonly StockRecord[], storeId: string, at: number): RecordColumns {
  const sku: string[] = [];
  const onHand: number[] = [];
  const reserved: number[] = [];
  const version: number[] = [];
  const updatedAt: number[] = [];
  const sequence: number[] = [];
  for (const row of rows) {
    sku.push(row.sku);
    onHand.push(row.onHand);
    reserved.push(row.reserved);
    version.push(row.version);
    updatedAt.push(row.updatedAt - at);
    sequence.push(row.sequence);
  }
  return {
    storeId,
    sku,
    onHand: columnOf(onHand),
    reserved: columnOf(reserved),
    version: columnOf(version),
    updatedAt: columnOf(updatedAt),
    sequence: columnOf(sequence),
    ...(rows.some(({ skips }) => skips !== undefined) && {
      skips: rows.map(({ skips }) => skips ?? null),
    }),
  };
}

function reservationColumns(rows: readonly StoredReservation[], at: number): ReservationColumns {
  const id: string[] = [];
  const version: number[] = [];
  const status: StoredReservation['status'][] = [];
  const reference: (string | null)[] = [];
  const createdAt: number[] = [];
  const expiresAt: (number | null)[] = [];
  const retainUntil: (number | null)[] = [];
  const lineCount: number[] = [];
  const line = new LineCells();
  const eventCount: number[] = [];
  const sequence: number[] = [];
  for (const row of rows) {
    if (row.retainUntil !== null && row.retainUntil <= at) continue;
    id.push(row.id);
    version.push(row.version);
    status.push(row.status);
    reference.push(row.reference);
    createdAt.push(row.createdAt - at);
    expiresAt.push(row.expiresAt === null ? null : row.expiresAt - at);
    retainUntil.push(row.retainUntil === null ? null : row.retainUntil - at);
    lineCount.push(row.lines.length);
    line.push(row.lines);
    eventCount.push(row.sequences.length);
    for (const each of row.sequences) sequence.push(each);
  }
  return {
    id,
    version: columnOf(version),
    status: columnOf(status),
    reference: columnOf(reference),
    createdAt: columnOf(createdAt),
    expiresAt: columnOf(expiresAt),
    retainUntil: columnOf(retainUntil),
    lines: columnOf(lineCount),
    line: line.columns(),
    events: columnOf(eventCount),
    sequence: columnOf(sequence),
  };
}

/** The lines of all reservations in one snapshot line, concatenated. */
class LineCells {
  private readonly storeId: string[] = [];
  private readonly sku: string[] = [];
  private readonly qty: number[] = [];
  private readonly held: number[] = [];
  private readonly committed: number[] = [];
  private readonly released: number[] = [];
  private readonly expired: number[] = [];

  push(lines: StoredReservation['lines']): void {
    for (const line of lines) {
      this.storeId.push(line.storeId);
      this.sku.push(line.sku);
      this.qty.push(line.qty);
      this.held.push(line.held);
      this.committed.push(line.committed);
      this.released.push(line.released);
      this.expired.push(line.expired);
    }
  }

  columns(): ReservationColumns['line'] {
    return {
      storeId: columnOf(this.storeId),
      sku: columnOf(this.sku),
      qty: columnOf(this.qty),
      held: columnOf(this.held),
      committed: columnOf(this.committed),
      released: columnOf(this.released),
      expired: columnOf(this.expired),
    };
  }
}

function keyColumns({ keyDigests, keyEntries, lastAt }: FrozenState, start: number): KeyColumns {
  const digest: string[] = [];
  const fingerprint: string[] = [];
  const sequence: number[] = [];
  const until: number[] = [];
  const end = Math.min(start + ROWS_PER_LINE, keyDigests.length);
  for (let index = start; index < end; index += 1) {
    const key = keyDigests[index];
    const entry = keyEntries[index];
    if (key === undefined || entry === undefined || entry.until <= lastAt) continue;
    digest.push(key);
    fingerprint.push(entry.fingerprint);
    sequence.push(entry.sequence);
    until.push(entry.until - lastAt);
  }
  return {
    digest,
    fingerprint: columnOf(fingerprint),
    sequence: columnOf(sequence),
    until: columnOf(until),
  };
}

function textOf(content: SnapshotLine): string {
  return JSON.stringify(content).slice(0, -1);
}
