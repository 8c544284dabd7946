import type { IRouter, Request, Response } from 'express';
import type { DurableLog } from '../../application/ports.js';
import type { InventoryEvent } from '../../domain/events.js';
import type { Random } from '../../system.js';
import { type Answer, READ } from '../answer.js';
import { sourceOf } from '../command-runner.js';
import { CLOUD_EVENTS_BATCH, cloudEventsJson } from '../feed/cloud-events.js';
import type { Followers } from '../feed/followers.js';
import { EVENT_STREAM, retryFrame } from '../feed/frames.js';
import { lingerOnClose } from '../server/lingering-close.js';
import { type Problem, problemAnswer } from '../problem.js';
import { RequestError } from '../request-error.js';
import { parseQuery } from '../request-input.js';
import { type FeedQuery, feedQuerySchema, positionSchema } from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { eventJson } from '../json/wire-json.js';

const EVENTS = '/api/events';
const DEFAULT_LIMIT = 100;
/** The first is the default, for a client that accepts anything. */
const FORMS = ['application/json', CLOUD_EVENTS_BATCH, EVENT_STREAM] as const;
/** The least delay before a client reconnects; jitter adds up to as much again. */
const RETRY_MS = 1_000;

/** All durable events, in order. */
export function eventRoutes(
  router: IRouter,
  { feed, send, random, release }: RouteDeps & { readonly random: Random },
  followers: Followers,
): void {
  router.route(EVENTS).get(readEvents).all(methodNotAllowed('GET', 'HEAD'));

  async function readEvents(request: Request, response: Response): Promise<void> {
    const form = acceptedForm(request);
    if (form === false) {
      send(request, response, problemAnswer(NOT_ACCEPTABLE, sourceOf(request)));
      return;
    }
    const query = parseQuery(feedQuerySchema, request);
    if (form === EVENT_STREAM) await stream(request, response, query);
    else await page(request, response, query, form);
  }

  async function page(
    request: Request,
    response: Response,
    { after = 0, limit = DEFAULT_LIMIT }: FeedQuery,
    form: string,
  ): Promise<void> {
    const events = await feed.eventsAfter(after, limit);
    if (after > feed.durableSequence()) {
      send(request, response, problemAnswer(positionAhead(after, feed), sourceOf(request)));
      return;
    }
    const { nodeId } = feed;
    const headers = [...VARIED, ...feedHeaders(feed)];
    const render = form === CLOUD_EVENTS_BATCH ? cloudEventsPage : jsonPage;
    send(request, response, render({ events, after, limit, headers, nodeId }));
  }

  async function stream(request: Request, response: Response, query: FeedQuery): Promise<void> {
    const after = streamPosition(request, query);
    // Another process may have appended events that this one has not seen yet: a read finds them.
    if (after > feed.durableSequence()) await feed.eventsAfter(after, 1);
    if (after > feed.durableSequence()) {
      send(request, response, problemAnswer(positionAhead(after, feed), sourceOf(request)));
      return;
    }
    followers.assertRoom();
    release(response);
    // A request that is pipelined behind a stream could never be answered.
    lingerOnClose(request.socket, request);
    const id = ['X-Request-Id', request.requestId, ...(response.quotaHeaders ?? [])];
    response.writeHead(200, [...STREAM_HEADERS, ...VARIED, ...feedHeaders(feed), ...id]);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write(retryFrame(RETRY_MS * (1 + random.next())));
    await followers.add(response, after);
  }
}

/** The header that a browser sends when it reconnects overrides the URL, which it cannot change. */
function streamPosition(request: Request, { after = 0, limit }: FeedQuery): number {
  if (limit !== undefined) {
    throw new RequestError('validation-failed', 'A stream has no end, so it takes no limit.');
  }
  const last = request.headers['last-event-id'];
  if (last === undefined) return after;
  const position = positionSchema.safeParse(last);
  if (position.success) return position.data;
  throw new RequestError('validation-failed', 'Last-Event-ID must be a sequence, or 0.');
}

interface FoundEvents {
  readonly events: readonly InventoryEvent[];
  readonly after: number;
  readonly limit: number;
  readonly nodeId: string;
  readonly headers: readonly string[];
}

function jsonPage({ events, after, headers }: FoundEvents): Answer {
  const items = events.map((event) => eventJson(event)).join(',');
  const body = `{"items":[${items}],"nextAfter":${nextAfter(events, after)}}`;
  return { status: 200, headers: [...READ, ...headers], body };
}

/** An array has no place for the next position: a Link header has it (RFC 8288). */
function cloudEventsPage({ events, after, limit, headers, nodeId }: FoundEvents): Answer {
  const next = `<${EVENTS}?after=${nextAfter(events, after)}&limit=${limit}>; rel="next"`;
  const type = ['Content-Type', CLOUD_EVENTS_BATCH, 'Cache-Control', 'no-cache', 'Link', next];
  return { status: 200, headers: [...type, ...headers], body: cloudEventsJson(events, nodeId) };
}

function nextAfter(events: readonly InventoryEvent[], after: number): number {
  return events.at(-1)?.sequence ?? after;
}

/** The log has other data, or was set back: a client that waited here would miss events. */
function positionAhead(after: number, feed: DurableLog): Problem {
  const sequence = feed.durableSequence();
  return {
    code: 'position-ahead',
    detail: 'This log ends before the position, so the position is from another log.',
    members: { after, sequence },
    headers: feedHeaders(feed),
  };
}

/** Some clients name a charset: it is ignored, since JSON is UTF-8, and that is what they mean. */
function acceptedForm(request: Request): string | false {
  const accept = request.headers.accept?.replace(/;\s*charset=[^,;]*/gi, '');
  if (accept !== undefined) request.headers.accept = accept;
  return request.accepts(...FORMS);
}

const VARIED = ['Vary', 'Accept'] as const;
/** The stream is the last answer of its connection, and a proxy (nginx) must not buffer it. */
const STREAM_HEADERS = [
  ...['Content-Type', EVENT_STREAM, 'Cache-Control', 'no-cache'],
  ...['X-Accel-Buffering', 'no', 'Connection', 'close'],
] as const;

const NOT_ACCEPTABLE: Problem = {
  code: 'not-acceptable',
  detail: `The feed is available as ${FORMS.join(', ')}.`,
  headers: VARIED,
};

function feedHeaders({ nodeId, durableSequence }: DurableLog): readonly string[] {
  return ['Inventory-Node', nodeId, 'Inventory-Sequence', String(durableSequence())];
}
