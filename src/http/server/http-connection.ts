import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection with the fields that Node keeps on it and has no public API for. */
export type HttpConnection = Socket & {
  /** The answer in progress. */
  readonly _httpMessage?: ServerResponse | null;
  /** `incoming` is the newest request. */
  readonly parser?: { readonly incoming?: IncomingMessage & { res?: ServerResponse } } | null;
};
