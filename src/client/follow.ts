import { InventoryProblem, NodeChangedError, UnexpectedAnswerError } from './errors.js';
import { createFrameParser } from './event-stream.js';
import { DELAY_MS_MAX, type Environment } from './environment.js';
import { type NoAnswer, baseOf, failureOf, headersOf, parsed, retryAfterMs } from './transport.js';
import type { StockEvent } from './wire-types.js';

export interface FollowOptions {
  /** The sequence of the last event that you have; 0 (the default): none. */
  readonly after?: number;
  /** The `Inventory-Node` that `after` belongs to, if known. */
  readonly node?: string;
  /** Ends the iteration, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const EVENT_STREAM = 'text/event-stream';

export interface FollowDeps {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A connection silent for this long, in ms, is dead: heartbeats come every 10 s. */
  readonly silenceMaxMs: number;
}

/**
 * Yields every event after `after`, once and in order, and then new ones, for ever: a connection
 * that ends is reopened at the last event. Throws InventoryProblem if the service refuses it, and
 * NodeChangedError if other data is behind the URL.
 */
export async function* follow(
  deps: FollowDeps,
  options: FollowOptions,
): AsyncGenerator<StockEvent, never, undefined> {
  const { environment, backoffBaseMs, backoffMaxMs } = deps;
  const { signal } = options;
  const url = `${baseOf(deps.url)}/api/events`;
  // Outside of the attempts: headers that cannot be sent at all are not a broken connection.
  const headers = headersOf(deps.headers, { Accept: EVENT_STREAM });
  let { after = 0, node } = options;
  let failures = 0;
  for (;;) {
    signal?.throwIfAborted();
    let retryMs = 0;
    const connection = new AbortController();
    const stop = (): void => connection.abort(signal?.reason);
    signal?.addEventListener('abort', stop);
    try {
      const response = await unlessSilent(connection, deps.silenceMaxMs, () =>
        open(deps, { url, headers, after, signal: connection.signal }),
      );
      node = sameNode(node, response);
      for await (const event of eventsOf(response, connection, deps.silenceMaxMs)) {
        if (event.sequence !== after + 1) throw gap(after, event);
        after = event.sequence;
        failures = 0;
        yield event;
      }
    } catch (error) {
      if (isFinal(error)) throw error;
      retryMs = error instanceof NotNow ? error.retryAfterMs : 0;
    } finally {
      signal?.removeEventListener('abort', stop);
      connection.abort();
    }
    signal?.throwIfAborted();
    const backoffMs = Math.min(backoffBaseMs * 2 ** failures, backoffMaxMs);
    failures += 1;
    const delayMs = Math.max(backoffMs / 2, retryMs) + (backoffMs / 2) * environment.random();
    await environment.sleep(delayMs, signal);
  }
}

class NotNow extends Error {
  readonly retryAfterMs: number;
  constructor({ why, retryAfterMs: ms }: NoAnswer) {
    super(why);
    this.retryAfterMs = ms;
  }
}

interface OpenOptions {
  readonly url: string;
  readonly headers: Headers;
  readonly after: number;
  readonly signal: AbortSignal;
}

async function open(
  deps: FollowDeps,
  { url, headers, after, signal }: OpenOptions,
): Promise<Response> {
  headers.set('Last-Event-ID', String(after));
  const response = await fetch(url, { headers, redirect: 'error', signal });
  const type = response.headers.get('Content-Type') ?? '';
  if (response.ok && type.startsWith(EVENT_STREAM)) return response;
  if (response.ok) {
    await response.body?.cancel();
    throw new UnexpectedAnswerError(`the answer is no stream of events, but ${type}`);
  }
  const body = await response.text();
  const failure = failureOf(
    response.status,
    parsed(body),
    retryAfterMs(response.headers, deps.environment),
  );
  if (failure.kind === 'refused') throw new InventoryProblem(failure.problem);
  throw new NotNow(failure);
}

function sameNode(known: string | undefined, { headers }: Response): string | undefined {
  const found = headers.get('Inventory-Node') ?? undefined;
  if (known !== undefined && found !== undefined && found !== known) {
    throw new NodeChangedError(known, found);
  }
  return known ?? found;
}

async function* eventsOf(
  { body }: Response,
  connection: AbortController,
  silenceMaxMs: number,
): AsyncGenerator<StockEvent, void, undefined> {
  if (body === null) return;
  const parse = createFrameParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    // The timeout runs only while waiting for the service: the caller may take any time.
    const read: { readonly value?: Uint8Array | undefined } = await unlessSilent(
      connection,
      silenceMaxMs,
      () => reader.read(),
    );
    if (read.value === undefined) return;
    for (const { data } of parse(decoder.decode(read.value, { stream: true }))) {
      yield JSON.parse(data) as StockEvent;
    }
  }
}

async function unlessSilent<T>(
  connection: AbortController,
  silenceMaxMs: number,
  wait: () => Promise<T>,
): Promise<T> {
  const silence = setTimeout(() => connection.abort(), Math.min(silenceMaxMs, DELAY_MS_MAX));
  return await wait().finally(() => clearTimeout(silence));
}

function gap(after: number, { sequence }: StockEvent): Error {
  return new UnexpectedAnswerError(`event ${sequence} came behind ${after}: there is a gap`);
}

/** Any other error is a connection that could not be made, or broke. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof InventoryProblem ||
    error instanceof NodeChangedError ||
    error instanceof UnexpectedAnswerError ||
    error instanceof SyntaxError
  );
}
