import { exchange } from '../http/raw-exchange.js';
import { spawnServer, temporaryDirectory } from './spawned-server.js';

/** `GET /metrics` of a spawned server that has seen every kind of thing that it counts. */
export async function scrapeOfBusyServer(): Promise<string> {
  const server = await spawnServer({ dataDir: temporaryDirectory() });
  const record = `${server.url}/api/inventory/stores/STORE-X/inventory/SKU-X`;
  const reserve = { qty: 1, reference: 'reference-x' };
  await post(`${record}/adjust`, { delta: 2 });
  await post(`${record}/reserve`, reserve, { 'Idempotency-Key': 'key-x' });
  await post(`${record}/reserve`, reserve, { 'Idempotency-Key': 'key-x' });
  await post(`${record}/reserve`, { qty: 9 });
  await fetch(record).then((response) => response.text());
  await exchange(Number(new URL(server.url).port), 'no HTTP\r\n\r\n');
  for (;;) {
    const text = await fetch(`${server.url}/metrics`).then((response) => response.text());
    // The client has the answer a little earlier than the server has counted it, and the central
    // view is folded by and by.
    const isCounted = /method="GET",route="[^"]+:sku",status="200"\} 1$/m.test(text);
    if (isCounted && text.includes('inventory_sync_age_seconds{')) return text;
  }
}

async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
}

interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The families of a scrape, with the labels that their samples have (but `le`). */
export function familiesOf(text: string): Described[] {
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n((?:[^#].*\n)*)/gm)].map(
    ([, name = '', help = '', type = '', samples = '']) => {
      const labels = [...samples.matchAll(/[{,]([a-z_]+)="/g)].map(([, label = '']) => label);
      return { name, help, type, labels: [...new Set(labels)].filter((label) => label !== 'le') };
    },
  );
}

/** The document about them. */
export function metricsTable(text: string): string {
  const rows = familiesOf(text).map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    'What `GET /metrics` (Prometheus text) and `GET /api/metrics` (JSON, with quantiles) show. This page is made from a',
    'scrape of a running service, and a test compares it (`npx vitest run tests/e2e/metrics.test.ts -u` writes it anew).',
    '',
    '| name | type | labels | |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
