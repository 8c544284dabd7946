// Maximum body sizes in bytes: several times the largest sensible request of each kind.

export const STOCK_BODY_BYTES_MAX = 16 * 1024;
/** Reservations and transfers: up to a thousand lines. */
export const LINES_BODY_BYTES_MAX = 256 * 1024;
export const BATCH_BODY_BYTES_MAX = 2 * 1024 * 1024;
