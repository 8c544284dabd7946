import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type SpanReceiver, attributesOf, startSpanReceiver } from '../support/span-receiver.js';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';

const RECORD = '/api/inventory/stores/STORE-X/inventory/SKU-X';
const PATTERN = '/api/inventory/stores/:storeId/inventory/:sku';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SERVER_KIND = 2;
const ERROR_STATUS = 2;

describe('tracing', () => {
  afterEach(cleanUp);

  it("puts a write's decision, append and sync wait below its request, in the caller's trace", async () => {
    const { receiver, server } = await start();
    await post(server, `${RECORD}/adjust`, { delta: 5 });
    const { headers } = await post(
      server,
      `${RECORD}/reserve`,
      { qty: 1, reference: 'reference-x' },
      { Traceparent: `00-${TRACE}-${CALLER}-01`, 'Idempotency-Key': 'key-x' },
    );
    await stop(server);

    const ours = receiver.spans.filter(({ traceId }) => traceId === TRACE);
    const [request, decide, append, wait] = ['POST', 'decide', 'append', 'sync wait'].map((name) =>
      ours.find((span) => span.name.startsWith(name)),
    );
    expect(ours).toHaveLength(4);
    expect(request).toMatchObject({
      name: `POST ${PATTERN}/reserve`,
      kind: SERVER_KIND,
      parentSpanId: CALLER,
    });
    expect(attributesOf(request!)).toMatchObject({
      'http.request.method': 'POST',
      'http.route': `${PATTERN}/reserve`,
      'http.response.status_code': 201,
      'inventory.sequence': 2,
    });
    expect(decide?.parentSpanId).toBe(request?.spanId);
    expect(append?.parentSpanId).toBe(decide?.spanId);
    expect(wait?.parentSpanId).toBe(request?.spanId);
    expect(attributesOf(append!)).toEqual({
      'inventory.event': 'StockReserved',
      'inventory.sequence': 2,
    });
    // Out, too: in the answer, and in the log.
    expect(headers.get('traceparent')).toBe(`00-${TRACE}-${request!.spanId}-01`);
    expect(server.output()).toContain(`"traceId":"${TRACE}"`);
  });

  it('begins a trace where the caller has none, or one that cannot be', async () => {
    const { receiver, server } = await start();
    await fetch(`${server.url}${RECORD}`).then((response) => response.text());
    await fetch(`${server.url}${RECORD}`, {
      headers: { Traceparent: `00-${'0'.repeat(32)}-${CALLER}-01` },
    }).then((response) => response.text());
    await stop(server);

    const roots = receiver.spans.filter(({ name }) => name === `GET ${PATTERN}`);
    expect(roots).toHaveLength(2);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(2);
    for (const root of roots) {
      expect(root.parentSpanId ?? '').toBe('');
      expect(attributesOf(root)).toMatchObject({ 'inventory.problem': 'stock-not-found' });
      expect(root.status.code).not.toBe(ERROR_STATUS);
    }
  });

  it('sends nothing of a trace that the caller does not sample', async () => {
    const { receiver, server } = await start();
    await post(
      server,
      `${RECORD}/adjust`,
      { delta: 5 },
      { Traceparent: `00-${TRACE}-${CALLER}-00` },
    );
    await stop(server);

    expect(receiver.spans).toEqual([]);
    expect(server.output()).not.toContain(TRACE);
  });

  it('names the service, and no record, key or reference', async () => {
    const { receiver, server } = await start();
    const keyed = { 'Idempotency-Key': 'key-x' };
    await post(server, `${RECORD}/adjust`, { delta: 5, reference: 'reference-x' }, keyed);
    await post(server, `${RECORD}/reserve?query-x=1`, { qty: 1 });
    await stop(server);

    const sent = receiver.requests.map(({ text }) => text).join('');
    expect(new Set(receiver.requests.map(({ url }) => url))).toEqual(new Set(['/v1/traces']));
    expect(sent).toContain(
      '{"key":"service.name","value":{"stringValue":"distributed-inventory"}}',
    );
    expect(sent).not.toMatch(/STORE-X|SKU-X|key-x|reference-x|query-x/);
  });

  it.each(['is not there', 'never answers'])(
    'is no harm to the service where the receiver %s',
    async (fault) => {
      const { receiver, server } = await start({ deaf: true });
      if (fault === 'is not there') await receiver.stop();
      for (let index = 1; index <= 20; index += 1) {
        const { status } = await post(server, `${RECORD}/adjust`, { delta: 1 });
        expect(status).toBe(200);
      }
      await stop(server);

      expect(server.output()).toContain('"msg":"stopped"');
    },
  );
});

async function start({ deaf = false } = {}): Promise<{
  readonly receiver: SpanReceiver;
  readonly server: SpawnedServer;
}> {
  const receiver = await startSpanReceiver(deaf);
  onTestFinished(() => receiver.stop().catch(() => undefined));
  const server = await spawnServer({
    dataDir: temporaryDirectory(),
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  return { receiver, server };
}

/** What is left is sent before the end. */
async function stop(server: SpawnedServer): Promise<void> {
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
}

async function post(
  { url }: SpawnedServer,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  return response;
}
