import { type RequestMaker, askOnce } from './load.js';
import { startPostgres } from './postgres.js';
import { type Measured, startServer } from './process.js';
import {
  adjust,
  batch,
  commit,
  getRecord,
  order,
  replays,
  reserveHot,
  reserveRefused,
  reserveRefusedUnkeyed,
  reserveReplayed,
  reserveSpread,
} from './requests.js';
import { metricOf, startService } from './service.js';
import { settings } from './settings.js';

/** One thing that is measured beside the others. */
export interface Side {
  /** By which it is chosen on the command line. */
  readonly key: string;
  readonly name: string;
  /** What one figure is of: a request, an order of two requests, or one of many operations in it. */
  readonly unit: string;
  readonly unitsPerRequest: number;
  readonly connections: number;
  readonly makers: readonly RequestMaker[];
  start(): Promise<Measured>;
  /** Before each round, not measured. */
  readonly prepare?: (server: Measured) => Promise<void>;
  /** Where the server has a log: how many events one answered request is. */
  readonly eventsPerRequest?: number;
  readonly logSequence?: (server: Measured) => Promise<number>;
}

const ECHO_BODY = JSON.stringify({ qty: 1, reference: 'order-0000001' });

type SideOptions = Pick<Side, 'makers'> & Partial<Omit<Side, 'key' | 'name' | 'start'>>;

function side(
  key: string,
  name: string,
  start: () => Promise<Measured>,
  options: SideOptions,
): Side {
  const defaults = { unit: 'request', unitsPerRequest: 1, connections: settings.connections };
  return { key, name, start, ...defaults, ...options };
}

function echoSide(key: string, name: string): Side {
  const start = () =>
    startServer([`bench/servers/${key}-echo.mjs`], {}, (output) =>
      output.includes('\n') ? `http://127.0.0.1:${output.trim()}` : undefined,
    );
  const make: RequestMaker['make'] = () => ({
    method: 'POST',
    path: '/echo',
    body: ECHO_BODY,
    status: 200,
    contains: ECHO_BODY,
  });
  return side(key, name, start, { makers: [{ make }] });
}

function serviceSide(key: string, name: string, makers: RequestMaker[], options?: object): Side {
  return side(key, `service: ${name}`, () => startService(), {
    makers,
    eventsPerRequest: 1,
    logSequence: (server) => metricOf(server, 'inventory_log_sequence'),
    ...options,
  });
}

async function prepareReplays({ url }: Measured): Promise<void> {
  for (const request of replays) await askOnce(url, request);
}

export const sides: readonly Side[] = [
  echoSide('raw', 'raw node:http echo'),
  echoSide('express', 'bare Express 5 echo'),
  echoSide('fastify', 'Fastify echo'),
  serviceSide('get', 'GET record', [getRecord], { eventsPerRequest: 0 }),
  serviceSide('adjust', 'adjust, fresh key', [adjust]),
  serviceSide('reserve', 'reserve, fresh key', [reserveSpread]),
  serviceSide('hot', 'reserve, one hot record', [reserveHot]),
  serviceSide('refused', 'reserve refused, fresh key', [reserveRefused]),
  serviceSide('unkeyed', 'reserve refused, no key', [reserveRefusedUnkeyed], {
    eventsPerRequest: 0,
  }),
  serviceSide('replay', 'reserve replayed, same key', [reserveReplayed], {
    eventsPerRequest: 0,
    prepare: prepareReplays,
  }),
  serviceSide('order', 'order of 5 lines: reserve + commit', [order(5), commit], {
    unit: 'order',
    unitsPerRequest: 0.5,
  }),
  serviceSide('batch', 'batch of 1,000', [batch(1_000)], {
    unit: 'operation',
    unitsPerRequest: 1_000,
    connections: 4,
  }),
  side('postgres', 'Express + PostgreSQL: reserve, fresh key', startPostgres, {
    makers: [reserveSpread],
    eventsPerRequest: 1,
    logSequence: async ({ url }) => Number(await (await fetch(`${url}/log-sequence`)).text()),
  }),
];
