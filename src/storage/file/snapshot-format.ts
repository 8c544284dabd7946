/**
 * A snapshot: the fold of the log up to a sequence, as lines that each end with their crc, many
 * records a line since that loads several times faster than one:
 *
 *   {"snapshot":1,"sequence":120000,"at":1766…,"crc":"…"}
 *   {"store":"S","records":{"sku":["A",…],"onHand":[9,…],"reserved":[2,…],"version":[4,…],
 *      "updatedAt":[1766…,…],"sequence":[812,…],"skips":[[…],null,…]},"crc":"…"}
 *   {"reservations":[{…,"sequences":[…]},…],"crc":"…"}
 *   {"keys":[["digest","fingerprint",sequence,until],…],"crc":"…"}
 *   {"end":true,"records":…,"reservations":…,"keys":…,"crc":"…"}
 *
 * Records lie in columns: that parses faster than a row each. Times are ms since the epoch, except
 * inside reservations (RFC 3339, as in the log). Records come by store and SKU, reservations and
 * keys in the order in which they came.
 */
import { stockKey } from '../../domain/keys.js';
import type { StockRecord, StoredReservation } from '../../domain/stock.js';
import type { FrozenState } from '../frozen-state.js';
import { PublishedState } from '../published-state.js';
import { type DiskReservation, decodeReservation, reservationMembers } from './event-format.js';
import { crcText, hasValidCrc, lineEnd } from './record-format.js';

const RECORDS_PER_LINE = 1_000;
const RESERVATIONS_PER_LINE = 200;

interface RecordColumns {
  readonly sku: readonly string[];
  readonly onHand: readonly number[];
  readonly reserved: readonly number[];
  readonly version: readonly number[];
  readonly updatedAt: readonly number[];
  readonly sequence: readonly number[];
  /** Left out where no record has any. */
  readonly skips?: readonly (readonly number[] | null)[];
}
type KeyRow = readonly [string, string, number, number];
type StoredDiskReservation = DiskReservation & { readonly sequences: readonly number[] };

interface SnapshotLine {
  readonly snapshot?: number;
  readonly sequence?: number;
  readonly at?: number;
  readonly store?: string;
  readonly records?: RecordColumns | number;
  readonly reservations?: readonly StoredDiskReservation[] | number;
  readonly keys?: readonly KeyRow[] | number;
  readonly end?: true;
}

/**
 * The bytes of a snapshot, in parts of some 50 KB; what the state has already forgotten by its own
 * time is left out.
 */
export function* snapshotParts(state: FrozenState): Iterable<Buffer> {
  const { lastSequence: sequence, lastAt: at } = state;
  yield* line({ snapshot: 1, sequence, at });
  const count = { records: 0, reservations: 0, keys: 0 };
  for (const storeId of state.stores) {
    for (const records of recordChunks(state, storeId)) {
      count.records += records.length;
      yield* line({ store: storeId, records: columnsOf(records) });
    }
  }
  for (const chunk of chunks(state.reservations, RESERVATIONS_PER_LINE)) {
    const rows = chunk.filter(({ retainUntil }) => retainUntil === null || retainUntil > at);
    count.reservations += rows.length;
    yield* lineOf(`{"reservations":[${rows.map(storedText).join(',')}]`);
  }
  // In the order in which they were used, so that the oldest are forgotten first again.
  for (let start = 0; start < state.keyDigests.length; start += RECORDS_PER_LINE) {
    const rows = keyRows(state, start, Math.min(start + RECORDS_PER_LINE, state.keyDigests.length));
    count.keys += rows.length;
    yield* line({ keys: rows });
  }
  yield* line({ end: true, ...count });
}

/** Neighbours of one store. */
function* recordChunks(state: FrozenState, storeId: string): Iterable<readonly StockRecord[]> {
  for (let after: string | undefined; ;) {
    const records = state.recordsOf(storeId, after, RECORDS_PER_LINE);
    if (records.length > 0) yield records;
    if (records.length < RECORDS_PER_LINE) return;
    after = records.at(-1)?.sku;
  }
}

function columnsOf(records: readonly StockRecord[]): RecordColumns {
  const column = <T>(of: (record: StockRecord) => T): T[] => records.map(of);
  return {
    sku: column(({ sku }) => sku),
    onHand: column(({ onHand }) => onHand),
    reserved: column(({ reserved }) => reserved),
    version: column(({ version }) => version),
    updatedAt: column(({ updatedAt }) => updatedAt),
    sequence: column(({ sequence }) => sequence),
    ...(records.some(({ skips }) => skips !== undefined) && {
      skips: column(({ skips }) => skips ?? null),
    }),
  };
}

function* chunks<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

function keyRows(state: FrozenState, start: number, end: number): KeyRow[] {
  const rows: KeyRow[] = [];
  for (let index = start; index < end; index += 1) {
    const digest = state.keyDigests[index];
    const entry = state.keyEntries[index];
    if (digest === undefined || entry === undefined || entry.until <= state.lastAt) continue;
    rows.push([digest, entry.fingerprint, entry.sequence, entry.until]);
  }
  return rows;
}

function storedText(reservation: StoredReservation): string {
  const { sequences } = reservation;
  return `{${reservationMembers(reservation)},"sequences":[${sequences.join(',')}]}`;
}

function line(content: SnapshotLine): Iterable<Buffer> {
  return lineOf(JSON.stringify(content).slice(0, -1));
}

/** `text`: an object without its closing brace. */
function* lineOf(text: string): Iterable<Buffer> {
  const bytes = Buffer.from(text);
  yield bytes;
  yield Buffer.from(lineEnd(crcText(bytes)));
}

/** Reads a snapshot line by line; throws an Error that says what is wrong with it. */
export class SnapshotReader {
  private readonly state = new PublishedState();
  private lines = 0;
  private ended = false;

  take(text: Buffer): void {
    this.lines += 1;
    if (this.ended || !hasValidCrc(text)) throw new Error(`line ${this.lines} is damaged`);
    this.ended = loadLine(this.state, JSON.parse(text.toString('utf8')) as SnapshotLine);
  }

  /** What was read; `unfinished`: so many bytes are no whole line. */
  finish(unfinished: number): PublishedState {
    if (unfinished > 0) throw new Error(`line ${this.lines + 1} is damaged`);
    if (!this.ended) throw new Error(`line ${this.lines + 1}: the end is missing`);
    return this.state;
  }
}

/** True at the end line, if it counts what was loaded. */
function loadLine(state: PublishedState, content: SnapshotLine): boolean {
  const { store, records, reservations, keys } = content;
  if (content.end === true) {
    const { counts } = state;
    if (
      counts.records !== records ||
      counts.reservations !== reservations ||
      counts.keys !== keys
    ) {
      throw new Error('its parts do not add up');
    }
    return true;
  }
  if (content.snapshot !== undefined) state.startAt(content.sequence ?? 0, content.at ?? 0);
  if (typeof records === 'object') loadRecords(state, store ?? '', records);
  if (Array.isArray(reservations)) {
    for (const stored of reservations as readonly StoredDiskReservation[]) {
      const { sequences } = stored;
      state.putReservation({ ...decodeReservation(stored), sequences });
    }
  }
  if (Array.isArray(keys)) {
    for (const [digest, fingerprint, sequence, until] of keys as readonly KeyRow[]) {
      state.putKey(digest, { fingerprint, sequence, until });
    }
  }
  return false;
}

function loadRecords(state: PublishedState, storeId: string, columns: RecordColumns): void {
  const { onHand, reserved, version, updatedAt, sequence, skips } = columns;
  for (const [index, sku] of columns.sku.entries()) {
    const record: StockRecord = {
      storeId,
      sku,
      onHand: onHand[index] ?? 0,
      reserved: reserved[index] ?? 0,
      version: version[index] ?? 0,
      updatedAt: updatedAt[index] ?? 0,
      sequence: sequence[index] ?? 0,
      skips: skips?.[index] ?? undefined,
    };
    state.putRecord(stockKey(record), record);
  }
}
