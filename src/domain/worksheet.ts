import type { StockLine, VersionRead } from './events.js';
import { type StockKey, type StockName, stockKey } from './keys.js';
import type { StateView } from './evolve.js';
import type { StockRecord } from './stock.js';

/** One stock record while a decision is being made about it. */
export interface WorkRow {
  readonly key: StockKey;
  readonly name: StockName;
  /** The record as the decision found it; undefined: there is none yet. */
  readonly before: StockRecord | undefined;
  onHand: number;
  reserved: number;
  moved: boolean;
}

/**
 * The stock records one decision reads and moves, each once: a record named twice in one order
 * is one row, so that the second line sees what the first one took.
 */
export class Worksheet {
  private readonly rows = new Map<StockKey, WorkRow>();

  constructor(private readonly state: StateView) {}

  row(name: StockName): WorkRow {
    const key = stockKey(name);
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const before = this.state.record(key);
    const row: WorkRow = {
      key,
      name,
      before,
      onHand: before?.onHand ?? 0,
      reserved: before?.reserved ?? 0,
      moved: false,
    };
    this.rows.set(key, row);
    return row;
  }

  /** The moved rows as event lines, in the order in which they were first named. */
  lines(): StockLine[] {
    const lines: StockLine[] = [];
    for (const row of this.rows.values()) {
      if (row.moved) lines.push(lineOf(row));
    }
    return lines;
  }

  /** The versions of the rows that were only looked at. */
  unmovedReads(): VersionRead[] {
    return this.reads((row) => !row.moved);
  }

  /** The versions of all rows: what a refusal relied on. */
  allReads(): VersionRead[] {
    return this.reads(() => true);
  }

  private reads(wanted: (row: WorkRow) => boolean): VersionRead[] {
    const reads: VersionRead[] = [];
    for (const row of this.rows.values()) {
      if (!wanted(row)) continue;
      const { storeId, sku } = row.name;
      reads.push({ storeId, sku, version: row.before?.version ?? 0 });
    }
    return reads;
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
  };
}
