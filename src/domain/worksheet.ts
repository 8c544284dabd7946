import type { StockLine, VersionRead } from './events.js';
import { type StockKey, type StockName, stockKey } from './keys.js';
import type { StateView } from './evolve.js';
import type { StockRecord } from './stock.js';

/** One stock record during a decision. */
export interface WorkRow {
  /** Its place among the rows. */
  readonly index: number;
  readonly key: StockKey;
  readonly name: StockName;
  /** The record before the decision; undefined: there is none yet. */
  readonly before: StockRecord | undefined;
  onHand: number;
  reserved: number;
  /** Units wanted of it, summed over all lines that name it. */
  wanted: number;
  moved: boolean;
}

/** Up to this many rows, a linear search is faster than a map. */
const ROWS_SEARCHED_MAX = 8;

/**
 * The stock records that one decision reads and moves, each once: a record named twice in one order
 * is one row, so that the second line sees what the first one took.
 */
export class Worksheet {
  /** In the order in which they were first named. */
  readonly rows: WorkRow[] = [];
  private byKey: Map<StockKey, WorkRow> | undefined;

  constructor(private readonly state: StateView) {}

  row(name: StockName): WorkRow {
    const key = stockKey(name);
    const known = this.find(key);
    if (known !== undefined) return known;
    const before = this.state.record(key);
    const row: WorkRow = {
      index: this.rows.length,
      key,
      // Prefer the record's own strings: those of the request would stay in memory with the event.
      name: before ?? name,
      before,
      onHand: before?.onHand ?? 0,
      reserved: before?.reserved ?? 0,
      wanted: 0,
      moved: false,
    };
    this.rows.push(row);
    this.byKey?.set(key, row);
    return row;
  }

  private find(key: StockKey): WorkRow | undefined {
    if (this.rows.length <= ROWS_SEARCHED_MAX) return this.rows.find((row) => row.key === key);
    this.byKey ??= new Map(this.rows.map((row) => [row.key, row]));
    return this.byKey.get(key);
  }

  /** The moved rows as event lines, in the order in which they were first named. */
  lines(): StockLine[] {
    const lines: StockLine[] = [];
    for (const row of this.rows) {
      if (row.moved) lines.push(lineOf(row));
    }
    return lines;
  }

  /** The versions of all rows: what a refusal relied on. */
  allReads(): VersionRead[] {
    return this.rows.map(({ name: { storeId, sku }, before }) => ({
      storeId,
      sku,
      version: before?.version ?? 0,
    }));
  }
}

function lineOf(row: WorkRow): StockLine {
  const { before, onHand, reserved } = row;
  return {
    storeId: row.name.storeId,
    sku: row.name.sku,
    version: (before?.version ?? 0) + 1,
    onHandDelta: onHand - (before?.onHand ?? 0),
    reservedDelta: reserved - (before?.reserved ?? 0),
    onHand,
    reserved,
    previousSequence: before?.sequence ?? 0,
    skips: before?.skips,
  };
}
