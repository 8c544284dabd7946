import { Histogram } from './histogram.js';
import { type MetricFamily, byLabel, counter, gauge, histogram } from './metric-family.js';

/** Counts of the requests that the HTTP layer takes. */
export interface RequestMetrics {
  /** A request that was refused before it was routed: over its client's rate, or shed. */
  turnedAway(method: string, status: number): void;
  started(): void;
  /** `route`: the pattern of the matched route. `status` undefined: the client left first. */
  ended(
    method: string,
    route: string | undefined,
    status: number | undefined,
    durationMs: number,
  ): void;
  /** An answer, or the result of one operation in a batch, is a problem. */
  refused(code: string): void;
  /** An answer, or the result of one operation in a batch, repeats an earlier outcome. */
  replayed(): void;
  /** A connection was closed for what was sent on it: no request, or never a whole one. */
  connectionRefused(status: number): void;
  collect(): readonly MetricFamily[];
}

/** Requests of one method to one route. */
interface Series {
  readonly method: string;
  readonly route: string;
  /** By status; 0: aborted. */
  readonly statuses: Map<number, number>;
  readonly durations: Histogram;
}

const ABORTED = 0;
const UNMATCHED = 'unmatched';
/** Bounds the label's values: clients may send any of some thirty other methods. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
const OTHER = 'other';
const CONFLICTS = ['version-conflict', 'precondition-failed'] as const;

export function createRequestMetrics(): RequestMetrics {
  const byRoute = new Map<string, Map<string, Series>>();
  const all: Series[] = [];
  // Present from the start: for Prometheus, a counter that first appears as 1 has not increased.
  const refusals = new Map<string, number>([['internal', 0]]);
  const connections = new Map<number, number>();
  let inFlight = 0;
  let replays = 0;

  function seriesOf(route: string, method: string): Series {
    let methods = byRoute.get(route);
    if (methods === undefined) byRoute.set(route, (methods = new Map<string, Series>()));
    const known = methods.get(method);
    if (known !== undefined) return known;
    if (!METHODS.has(method) && method !== OTHER) return seriesOf(route, OTHER);
    const made = { method, route, statuses: new Map(), durations: new Histogram() };
    methods.set(method, made);
    all.push(made);
    return made;
  }

  return {
    started() {
      inFlight += 1;
    },
    ended(method, route = UNMATCHED, status = ABORTED, durationMs) {
      inFlight -= 1;
      const { statuses, durations } = seriesOf(route, method);
      addOne(statuses, status);
      durations.observe(durationMs / 1_000);
    },
    turnedAway(method, status) {
      addOne(seriesOf(UNMATCHED, method).statuses, status);
    },
    refused(code) {
      addOne(refusals, code);
    },
    replayed() {
      replays += 1;
    },
    connectionRefused(status) {
      addOne(connections, status);
    },
    collect: () => [
      counter(
        'inventory_http_requests_total',
        'Requests by method, route pattern and status; unmatched: no route, or refused before; aborted: the client disconnected first.',
        all.flatMap(({ method, route, statuses }) =>
          [...statuses].map(([status, value]) => ({
            labels: { method, route, status: status === ABORTED ? 'aborted' : String(status) },
            value,
          })),
        ),
      ),
      histogram(
        'inventory_http_request_duration_seconds',
        'From the head of a routed request to the last byte of its answer, by method and route pattern.',
        all.map(({ method, route, durations }) => durations.sample({ method, route })),
      ),
      gauge('inventory_http_requests_in_flight', 'Requests that are being answered.', inFlight),
      counter(
        'inventory_refusals_total',
        'Answers, and results of operations in a batch, that are problems, by code.',
        byLabel('code', refusals),
      ),
      counter(
        'inventory_conflicts_total',
        'Refusals because a record had another version than the request named (409 and 412).',
        CONFLICTS.reduce((sum, code) => sum + (refusals.get(code) ?? 0), 0),
      ),
      counter(
        'inventory_idempotent_replays_total',
        'Answers, and results of operations in a batch, that repeat the first outcome of a key.',
        replays,
      ),
      counter(
        'inventory_connection_refusals_total',
        'Connections closed because of their input, by status: not HTTP, too large, too slow.',
        byLabel(
          'status',
          [...connections].map(([status, value]) => [String(status), value]),
        ),
      ),
    ],
  };
}

function addOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
