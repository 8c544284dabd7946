import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** With what Node keeps on a connection, and offers no public name for. */
export type HttpConnection = Socket & {
  /** The answer in progress. */
  readonly _httpMessage?: ServerResponse | null;
  /** With the request that came last. */
  readonly parser?: { readonly incoming?: IncomingMessage & { res?: ServerResponse } } | null;
};
