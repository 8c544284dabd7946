/**
 * A snapshot: the fold of the log up to a sequence, as lines that each end with their crc. A line
 * holds many rows, which loads several times faster than one row per line:
 *
 *   {"snapshot":2,"sequence":120000,"at":1766…,"crc":"…"}
 *   {"records":{"storeId":"S","sku":["A",…],"onHand":[9,…],"reserved":0,"version":[4,…],
 *      "updatedAt":[-1200,…],"sequence":[812,…],"skips":[[…],null,…]},"crc":"…"}
 *   {"reservations":{"id":["…",…],"version":1,"status":"active","reference":["…",…],
 *      "createdAt":[-900,…],"expiresAt":null,"retainUntil":null,
 *      "lines":1,"line":{"storeId":"S","sku":["A",…],"qty":1,"held":1,"committed":0,"released":0,
 *      "expired":0},"events":1,"sequence":[812,…]},"crc":"…"}
 *   {"keys":{"digest":["…",…],"fingerprint":["…",…],"sequence":[812,…],"until":[3600000,…]},
 *      "crc":"…"}
 *   {"end":true,"records":…,"reservations":…,"keys":…,"crc":"…"}
 *
 * Rows are stored in columns. A column with the same value in every row is that single value,
 * except `sku` and `skips` of records, `id` and `digest`; `sku`, `id` and `digest` give the number
 * of rows. Times are ms relative to the `at` of the first line, which is ms since the epoch: small
 * numbers are faster. `lines` and `events` are the numbers of cells in `line` and `sequence` that
 * belong to each reservation. Records are ordered by store and SKU, reservations and keys as they
 * were added.
 */
import type { ReservationStatus } from '../../../domain/stock.js';
import type { Column } from '../format/columns.js';

/** A file of any other format is not read: the log has all of its content. */
export const SNAPSHOT_FORMAT = 2;

export interface RecordColumns {
  readonly storeId: string;
  readonly sku: readonly string[];
  readonly onHand: Column<number>;
  readonly reserved: Column<number>;
  readonly version: Column<number>;
  readonly updatedAt: Column<number>;
  readonly sequence: Column<number>;
  /** Omitted if no record has any. */
  readonly skips?: readonly (readonly number[] | null)[];
}

export interface ReservationColumns {
  readonly id: readonly string[];
  readonly version: Column<number>;
  readonly status: Column<ReservationStatus>;
  readonly reference: Column<string | null>;
  readonly createdAt: Column<number>;
  readonly expiresAt: Column<number | null>;
  readonly retainUntil: Column<number | null>;
  readonly lines: Column<number>;
  readonly line: {
    readonly storeId: Column<string>;
    readonly sku: Column<string>;
    readonly qty: Column<number>;
    readonly held: Column<number>;
    readonly committed: Column<number>;
    readonly released: Column<number>;
    readonly expired: Column<number>;
  };
  readonly events: Column<number>;
  readonly sequence: Column<number>;
}

export interface KeyColumns {
  readonly digest: readonly string[];
  readonly fingerprint: Column<string>;
  readonly sequence: Column<number>;
  readonly until: Column<number>;
}

export interface SnapshotHead {
  readonly snapshot: number;
  readonly sequence: number;
  readonly at: number;
}

export interface SnapshotEnd {
  readonly end: true;
  readonly records: number;
  readonly reservations: number;
  readonly keys: number;
}

export type SnapshotRows =
  | { readonly records: RecordColumns }
  | { readonly reservations: ReservationColumns }
  | { readonly keys: KeyColumns };

export type SnapshotLine = SnapshotHead | SnapshotRows | SnapshotEnd;
