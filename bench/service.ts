import { readFileSync } from 'node:fs';
import { askOnce } from './load.js';
import { type Started, startServer } from './process.js';
import { skuOf, STORE } from './requests.js';
import { freshDirectory } from './run-directory.js';
import { settings } from './settings.js';

export interface Service extends Started {
  readonly dataDirectory: string;
}

export interface ServiceOptions {
  /** Where its data lies; by default an empty directory, which is then stocked. */
  readonly dataDirectory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** All requests come from one client here: without its share of the limits there is nothing to measure. */
const LIMITS = {
  RATE_LIMIT_RPS: '1000000',
  RATE_LIMIT_BURST: '1000000',
  CONCURRENCY_API: '64',
};
const STOCKED_AT_ONCE = 10_000;

/** The service as `npm start` starts it in production. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const dataDirectory = options.dataDirectory ?? freshDirectory('service');
  const environment = { ...LIMITS, PORT: '0', DATA_DIR: dataDirectory, ...options.environment };
  const server = await startServer(
    startCommand(),
    environment,
    (output) => /"url":"(http:[^"]+)"/.exec(output)?.[1],
  );
  if (options.dataDirectory === undefined) await stock(server.url);
  return { ...server, dataDirectory };
}

/** The arguments that the script `start` of package.json gives to node. */
function startCommand(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  const start = scripts['start'] ?? '';
  const [, command] = /^exec node ([\w./= -]+)$/.exec(start) ?? [];
  if (command === undefined) throw new Error(`the script start is not as expected: ${start}`);
  return command.split(' ');
}

/** Enough of everything that nothing runs out while it is measured. */
async function stock(url: string): Promise<void> {
  for (let first = 0; first < settings.records; first += STOCKED_AT_ONCE) {
    const count = Math.min(STOCKED_AT_ONCE, settings.records - first);
    const operations = Array.from({ length: count }, (_, index) => ({
      op: 'adjust',
      storeId: STORE,
      sku: skuOf(first + index),
      delta: 1_000_000,
    }));
    await askOnce(url, {
      method: 'POST',
      path: '/api/inventory/batch',
      body: JSON.stringify({ operations }),
      status: 200,
      contains: '"sequence":',
    });
  }
}

/** What the service says of itself for Prometheus, one figure without labels. */
export async function metricOf({ url }: Pick<Service, 'url'>, name: string): Promise<number> {
  const response = await fetch(`${url}/metrics`);
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text())?.[1];
  if (value === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(value);
}
