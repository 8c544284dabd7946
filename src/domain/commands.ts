import type { StockName } from './keys.js';

/** What the caller demands of the record's version; checked before quantities. */
export interface VersionDemand {
  /** If-Match: any of these versions, or `*` for "exists". */
  readonly ifMatch?: readonly number[] | '*';
  readonly expectedVersion?: number;
}

/** Why it happened, in the caller's words; both members are kept with the event. */
export interface Note {
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
}

export interface AdjustStock extends StockName, VersionDemand, Note {
  readonly type: 'AdjustStock';
  /** Units to add (a positive delta creates an unknown record) or to take away; never 0. */
  readonly delta: number;
}

/** A stock-take: the counted quantity replaces the recorded one. */
export interface CountStock extends StockName, VersionDemand, Note {
  readonly type: 'CountStock';
  readonly onHand: number;
  /** If-None-Match: * (only to create). */
  readonly mustBeNew?: boolean;
}

export interface LineRequest extends StockName {
  readonly qty: number;
}

export interface ReserveStock {
  readonly type: 'ReserveStock';
  readonly reservationId: string;
  readonly lines: readonly (LineRequest & { readonly expectedVersion?: number })[];
  /** Single-record request only: the record's If-Match. */
  readonly ifMatch?: readonly number[] | '*';
  readonly ttlMs?: number;
  readonly reference?: string;
}

/** Releases one record's part of a reservation: `qty` units of it, or all it still holds. */
export interface ReleaseLine extends StockName, VersionDemand {
  readonly type: 'ReleaseLine';
  readonly reservationId: string;
  readonly qty?: number;
}

/** Ends a hold, in whole or (with `lines`) in part: sold, or available again. */
export interface SettleReservation {
  readonly type: 'CommitReservation' | 'ReleaseReservation';
  readonly reservationId: string;
  readonly lines?: readonly LineRequest[];
}

export interface ExtendReservation {
  readonly type: 'ExtendReservation';
  readonly reservationId: string;
  /** From now on. */
  readonly ttlMs: number;
}

export interface TransferStock {
  readonly type: 'TransferStock';
  readonly from: string;
  readonly to: string;
  readonly lines: readonly { readonly sku: string; readonly qty: number }[];
  readonly reference?: string;
}

export type BatchOperation =
  | Omit<AdjustStock, 'ifMatch'>
  | Omit<CountStock, 'ifMatch' | 'mustBeNew'>
  | (Omit<ReserveStock, 'ifMatch' | 'lines'> & {
      readonly lines: readonly [ReserveStock['lines'][number]];
    });

/** Several operations as one event: all of them, or none. */
export interface BatchStock {
  readonly type: 'BatchStock';
  readonly operations: readonly BatchOperation[];
}

export type Command =
  | AdjustStock
  | CountStock
  | ReserveStock
  | ReleaseLine
  | SettleReservation
  | ExtendReservation
  | TransferStock
  | BatchStock;
