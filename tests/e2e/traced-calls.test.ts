import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type ReceivedSpan,
  type SpanReceiver,
  attributesOf,
  startSpanReceiver,
} from '../support/span-receiver.js';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OTHER_TRACE = '11112222333344445555666677778888';
const CALLER = '00f067aa0ba902b7';
const SERVER_KIND = 2;
const CLIENT_KIND = 3;
const ERROR_STATUS = 2;
const PATIENCE = { timeout: 60_000, interval: 50 };

describe('a trace goes on in other processes', () => {
  afterEach(cleanUp);

  it('in the nodes that a central node pulls, also by its timer', async () => {
    const { receiver, environment } = await startReceiver();
    const store = await spawnServer({ dataDir: temporaryDirectory(), environment });
    const central = await spawnServer({
      dataDir: temporaryDirectory(),
      environment: { ...environment, SYNC_ENABLED: 'false', SYNC_SOURCES: `berlin=${store.url}` },
    });
    const runs = async (): Promise<number> => {
      const text = await fetch(`${central.url}/metrics`).then((response) => response.text());
      return Number(/^inventory_sync_runs_total (\d+)$/m.exec(text)?.[1]);
    };
    const state = async (): Promise<string | undefined> => {
      const status = await fetch(`${central.url}/api/sync/status`);
      return ((await status.json()) as { sources: { state: string }[] }).sources[0]?.state;
    };

    await post(`${central.url}/api/sync`, TRACE);
    // Whoever turns the timer on is not the one for whom it runs.
    await post(`${central.url}/api/sync/start`, OTHER_TRACE, { intervalMs: 100 });
    await expect.poll(runs, PATIENCE).toBeGreaterThan(2);
    await end(store);
    await expect.poll(state, PATIENCE).toBe('failing');
    await end(central);

    const [request, pull, answered] = spansOf(receiver, TRACE);
    expect(request).toMatchObject({ name: 'POST /api/sync', parentSpanId: CALLER });
    expect(pull).toMatchObject({
      name: 'GET /api/events',
      kind: CLIENT_KIND,
      parentSpanId: request!.spanId,
    });
    expect(attributesOf(pull!)).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.template': '/api/events',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(store.url).port),
    });
    expect(answered).toMatchObject({
      name: 'GET /api/events',
      kind: SERVER_KIND,
      parentSpanId: pull!.spanId,
    });

    const later = receiver.spans.filter((span) => span.kind === CLIENT_KIND && span !== pull);
    expect(later.length).toBeGreaterThan(1);
    expect(later.map(({ traceId }) => traceId)).not.toContain(OTHER_TRACE);
    expect(new Set(later.map(({ traceId }) => traceId)).size).toBe(later.length);
    expect(later[0]?.status.code).not.toBe(ERROR_STATUS);
    expect(later.at(-1)?.status.code).toBe(ERROR_STATUS);
    expect(attributesOf(later.at(-1)!)).not.toHaveProperty('http.response.status_code');
  });

  it('in the one of several servers that keeps the central view for all', async () => {
    const { receiver, environment } = await startReceiver();
    const options = {
      dataDir: temporaryDirectory(),
      environment: { ...environment, LOCKS_ENABLED: 'true' },
    };
    const servers = [await spawnServer(options), await spawnServer(options)];
    for (const { url } of servers) {
      await expect.poll(() => post(`${url}/api/sync`, OTHER_TRACE), PATIENCE).toBe(200);
    }

    for (const { url } of servers) await post(`${url}/api/sync`, TRACE);
    for (const server of servers) await end(server);

    const spans = spansOf(receiver, TRACE);
    expect(spans.map(({ name }) => name)).toEqual(Array(3).fill('POST /api/sync'));
    expect(spans[2]?.parentSpanId).not.toBe(CALLER);
  });
});

async function startReceiver() {
  const receiver = await startSpanReceiver();
  onTestFinished(() => receiver.stop());
  return { receiver, environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } };
}

/** What is left is sent before the end. */
async function end(server: SpawnedServer): Promise<void> {
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
}

/** All of one trace that are below its caller, each before those below it. */
function spansOf(receiver: SpanReceiver, trace: string): ReceivedSpan[] {
  const all = receiver.spans.filter(({ traceId }) => traceId === trace);
  const ordered: ReceivedSpan[] = [];
  const below = (parent: string): void => {
    for (const span of all.filter(({ parentSpanId }) => parentSpanId === parent)) {
      ordered.push(span);
      below(span.spanId);
    }
  };
  below(CALLER);
  expect(ordered).toHaveLength(all.length);
  return ordered;
}

async function post(url: string, trace: string, body?: unknown): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      Traceparent: `00-${trace}-${CALLER}-01`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.text();
  return response.status;
}
