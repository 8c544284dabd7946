import { exchange } from '../http/raw-exchange.js';
import { temporaryDirectory } from './spawned-server.js';
import { spawnWorkers } from './worker-servers.js';

/** What a busy server shows: as text, and of each number what those of all workers are. */
export interface Scrape {
  readonly text: string;
  readonly together: ReadonlyMap<string, string>;
}

/** Of a spawned server of two workers that has seen every kind of thing that it counts. */
export async function scrapeOfBusyServer(): Promise<Scrape> {
  const server = await spawnWorkers(2, { dataDir: temporaryDirectory() });
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
    if (!isCounted || !text.includes('inventory_sync_age_seconds{')) continue;
    const response = await fetch(`${server.url}/api/metrics`);
    const { metrics } = (await response.json()) as { metrics: Record<string, Shown> };
    const rules = Object.entries(metrics).map(
      ([name, { together = 'sum' }]) => [name, together] as const,
    );
    return { text, together: new Map(rules) };
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

interface Shown {
  readonly together?: string;
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
export function metricsTable({ text, together }: Scrape): string {
  // In which order they come depends on which worker keeps the central view.
  const families = familiesOf(text).sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = families.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${together.get(name)} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    'The metrics of `GET /metrics` (Prometheus text) and `GET /api/metrics` (JSON, with quantiles). This page is generated',
    'from a scrape of a running service, and a test compares it (`npx vitest run tests/e2e/metrics.test.ts -u` rewrites it).',
    '',
    'With `WORKERS` every worker answers for all of them: the column *together* says how the values of all workers are',
    'combined; *each*: they are not combined, and each is labelled `worker` with its place (1 to N; `primary`: the process',
    'that distributes the connections). The counts of a worker that has ended stay in the sums, so that no sum decreases;',
    'what a killed worker had counted in its last second is lost. A worker that does not answer within half a second counts',
    'with its last reading. The families of turns and leases exist only with `LOCKS_ENABLED`, those of workers only with',
    '`WORKERS`; without `WORKERS` nothing is labelled `worker`, and each server reports only its own values.',
    '',
    '| name | type | labels | together | |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
