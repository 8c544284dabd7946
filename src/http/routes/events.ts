import { type Request, type Response, Router } from 'express';
import type { DurableLog } from '../../application/ports.js';
import type { InventoryEvent } from '../../domain/events.js';
import { type Answer, READ } from '../answer.js';
import { CLOUD_EVENTS_BATCH, cloudEventsJson } from '../cloud-events.js';
import { sourceOf } from '../command-runner.js';
import { type Problem, problemAnswer } from '../problem.js';
import { parseQuery } from '../request-input.js';
import { feedQuerySchema } from '../request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { eventJson } from '../wire-json.js';

const EVENTS = '/api/events';
const DEFAULT_LIMIT = 100;
/** The first is what somebody gets who takes anything. */
const FORMS = ['application/json', CLOUD_EVENTS_BATCH] as const;

/** Everything that has happened and is durable, in order. */
export function eventRoutes({ feed, send }: RouteDeps): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.route(EVENTS).get(readEvents).all(methodNotAllowed('GET', 'HEAD'));
  return router;

  async function readEvents(request: Request, response: Response): Promise<void> {
    const form = request.accepts(...FORMS);
    if (form === false) {
      send(request, response, problemAnswer(NOT_ACCEPTABLE, sourceOf(request)));
      return;
    }
    const { after = 0, limit = DEFAULT_LIMIT } = parseQuery(feedQuerySchema, request);
    const events = await feed.eventsAfter(after, limit);
    const sequence = feed.durableSequence();
    if (after > sequence) {
      send(request, response, problemAnswer(positionAhead(after, feed), sourceOf(request)));
      return;
    }
    const headers = [...VARIED, ...feedHeaders(feed)];
    const page = form === CLOUD_EVENTS_BATCH ? cloudEventsPage : jsonPage;
    send(request, response, page({ events, after, limit, headers, nodeId: feed.nodeId }));
  }
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

/** An array has no place for the next position: a link says it (RFC 8288). */
function cloudEventsPage({ events, after, limit, headers, nodeId }: FoundEvents): Answer {
  const next = `<${EVENTS}?after=${nextAfter(events, after)}&limit=${limit}>; rel="next"`;
  const type = ['Content-Type', CLOUD_EVENTS_BATCH, 'Cache-Control', 'no-cache', 'Link', next];
  return { status: 200, headers: [...type, ...headers], body: cloudEventsJson(events, nodeId) };
}

function nextAfter(events: readonly InventoryEvent[], after: number): number {
  return events.at(-1)?.sequence ?? after;
}

/** Other data, or data that was set back: to wait here would be to miss what comes meanwhile. */
function positionAhead(after: number, feed: DurableLog): Problem {
  const sequence = feed.durableSequence();
  return {
    code: 'position-ahead',
    detail: 'This log has not come so far: it is not the one that the position is from.',
    members: { after, sequence },
    headers: feedHeaders(feed),
  };
}

const VARIED = ['Vary', 'Accept'] as const;

const NOT_ACCEPTABLE: Problem = {
  code: 'not-acceptable',
  detail: `The feed comes as ${FORMS.join(', ')}.`,
  headers: VARIED,
};

function feedHeaders({ nodeId, durableSequence }: DurableLog): readonly string[] {
  return ['Inventory-Node', nodeId, 'Inventory-Sequence', String(durableSequence())];
}
