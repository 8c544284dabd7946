import type { StockName } from './keys.js';
import type { RecordTime, ReservationStatus } from './stock.js';

export interface Shortage extends StockName {
  readonly requested: number;
  readonly available: number;
  readonly version: number;
}

/**
 * Why `decide` refused. A refusal is an outcome like any other: with an idempotency key it is
 * recorded, so that a delayed duplicate cannot succeed after the client was refused.
 */
export type Refusal =
  | ({ readonly code: 'stock-not-found' } & StockName)
  | { readonly code: 'reservation-not-found'; readonly reservationId: string }
  | {
      readonly code: 'version-conflict';
      readonly expectedVersion: number;
      /** 0: the record does not exist. */
      readonly currentVersion: number;
    }
  /** `currentVersion` 0: the record does not exist. */
  | { readonly code: 'precondition-failed'; readonly currentVersion: number }
  | { readonly code: 'reservation-not-active'; readonly reservationStatus: ReservationStatus }
  | {
      readonly code: 'insufficient-stock';
      readonly lines: readonly Shortage[];
      /** When enough holds will have expired for every line, if none is extended. */
      readonly earliestExpiry?: RecordTime;
    }
  | ({
      readonly code: 'below-reserved';
      readonly onHand: number;
      readonly reserved: number;
    } & StockName)
  | { readonly code: 'same-store'; readonly storeId: string }
  | ({
      readonly code: 'reservation-exceeded';
      readonly requested: number;
      readonly held: number;
    } & StockName)
  | ({ readonly code: 'quantity-overflow' } & StockName);

export type RefusalCode = Refusal['code'];

/** Not executed, nothing stored: retry later, with the same key. */
export type UnavailableCode =
  'storage-unavailable' | 'lock-contended' | 'overloaded' | 'shutting-down' | 'aggregate-behind';

export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  constructor(
    readonly code: UnavailableCode,
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(code, options);
  }
}

/** The same idempotency key came with another command. Nothing is stored for it. */
export class IdempotencyKeyReusedError extends Error {
  override readonly name = 'IdempotencyKeyReusedError';
}
