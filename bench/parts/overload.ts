import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../connection.js';
import { placeAnywhere, placeApart } from '../cpu-placement.js';
import { type Round, openConnections, requestText, runLoad } from '../load.js';
import { type Crowd, runCrowd } from '../impatient-users.js';
import { startProbes } from '../probes.js';
import { cpuMicroseconds } from '../process.js';
import { progress } from '../progress.js';
import { type Section, aimsTable, atLeast, figure, table } from '../report/section.js';
import { adjust, batch } from '../requests.js';
import { type Service, metricOf, startService } from '../service.js';
import { settings } from '../settings.js';
import { median, percentile, sorted } from '../statistics.js';

const LOADS = [1, 2, 5, 10] as const;
/**
 * Large enough that one client can ask for ten times what the service does, and of a kind that leaves
 * the state as large as it was: reservations would make every later round dearer than the first.
 */
const OPERATIONS = 50;
const WRITE = batch(OPERATIONS);
/** Every measured second has its share of the folding: of 15 s, some would have all of it, some none. */
const SYNC_INTERVAL_MS = '1000';
/** Writes of that size wait in it for about a tenth of a second. */
const QUEUE_MAX = 100;
/** Connections that were never accepted come up for seconds after their clients have left. */
const SETTLE_MS = 8_000;
/** Until those who were turned away three times, after 1 to 2 s each, are as many as they will be. */
const WARM_UP_SECONDS = 5;

interface Found {
  readonly load: number;
  /** Requests a second, measured just before and just after. */
  readonly capacity: number;
  readonly crowd: Crowd;
  /** The longest that a liveness probe on a new connection waited. */
  readonly probeMs: number;
  /** µs of the server, all its refusing included, for each that was served. */
  readonly cpuPerWrite: number;
  readonly cpuShare: number;
  /** Of this process, which makes the load. */
  readonly clientShare: number;
}

/** What is left of the service when far more is asked of it than it can do. */
export async function overload(): Promise<Section> {
  const costs = await costOfRefusing();
  let apart = false;
  const server = await startService({
    environment: { LOAD_SHED_QUEUE_MAX: String(QUEUE_MAX), SYNC_INTERVAL_MS },
  });
  try {
    progress('overload: how much it can do');
    await runLoad(server, [WRITE], { seconds: 3 * settings.warmUpSeconds, insistent: true });
    apart = placeApart(server);
    // Between the loads, too: the machine is not as fast at one time as at another.
    let before = await closedLoops(server);
    const rounds = [...before];
    const found: Found[] = [];
    for (const load of LOADS) {
      placeApart(server);
      const crowd = await crowdOf(server, load * capacityOf(before));
      await sleep(SETTLE_MS);
      const after = await closedLoops(server);
      found.push({ load, ...crowd, capacity: capacityOf([...before, ...after]) });
      rounds.push(...after);
      before = after;
    }
    const cost = median(rounds.map((round) => round.cpuMicrosecondsPerRequest));
    return sectionOf({ capacity: capacityOf(rounds), cost, costs, found, apart });
  } finally {
    if (apart) placeAnywhere();
    await server.stop();
  }
}

async function closedLoops(server: Service): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < settings.fewRounds; round += 1) {
    rounds.push(await runLoad(server, [WRITE], { insistent: true }));
  }
  return rounds;
}

function capacityOf(rounds: readonly Round[]): number {
  return median(rounds.map(({ requestsPerSecond }) => requestsPerSecond));
}

async function crowdOf(
  server: Service,
  perSecond: number,
): Promise<Omit<Found, 'load' | 'capacity'>> {
  progress(`overload: ${figure(perSecond)} a second`);
  const before = await recorded(server);
  const cpuBefore = cpuMicroseconds(server);
  const clientBefore = process.cpuUsage();
  const startedAt = performance.now();
  const probes = startProbes(server.url);
  const crowd = await runCrowd(server, () => WRITE.make({}), {
    perSecond,
    seconds: 2 * settings.seconds,
    warmUpSeconds: WARM_UP_SECONDS,
  });
  const probeMs = Math.max(...(await probes.stop()));
  const cpu = cpuMicroseconds(server) - cpuBefore;
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(clientBefore);
  const cpuShare = cpu / 1_000 / elapsedMs;
  const clientShare = (user + system) / 1_000 / elapsedMs;
  // The clients' ledger: what was acknowledged is there, and nothing of what was refused.
  const done = (await recorded(server)) - before;
  if (done < crowd.acknowledged || done > crowd.acknowledged + crowd.unknown) {
    throw new Error(`${done} writes are there, ${JSON.stringify({ ...crowd, latencies: [] })}`);
  }
  return { crowd, probeMs, cpuPerWrite: cpu / crowd.acknowledged, cpuShare, clientShare };
}

/** Up to which event everything is durable: every write that was taken is one event. */
function recorded(server: Service): Promise<number> {
  return metricOf(server, 'inventory_log_sequence');
}

interface Costs {
  readonly limited: number;
  readonly shed: number;
  readonly served: number;
}

/** CPU µs of the server for a request over its client's rate, one that is shed, and one that is served. */
async function costOfRefusing(): Promise<Costs> {
  progress('overload: what it costs to refuse');
  return {
    limited: await costOf(429, { RATE_LIMIT_RPS: '1', RATE_LIMIT_BURST: '10' }),
    shed: await costOf(503, { LOAD_SHED_QUEUE_MAX: '1' }, occupyWrites),
    served: await costOf(adjust.make({}).status, {}),
  };
}

/** For each place in the queue so many bodies may be on their way. */
const BODIES_PER_PLACE = 4;

/** Writes whose bodies do not come: nothing more is taken in, for 30 s. */
async function occupyWrites(url: string): Promise<readonly Connection[]> {
  const open = await openConnections(url, BODIES_PER_PLACE);
  const [head = ''] = requestText(adjust.make({})).split('\r\n\r\n');
  for (const each of open) each.ask(`${head}\r\n\r\n`).catch(() => undefined);
  return open;
}

/** So many ask together, again and again: too few for any connection to be held for being refused. */
const TOGETHER = 16;
const PAUSE_MS = 10;

async function costOf(
  status: number,
  environment: Readonly<Record<string, string>>,
  prepare?: (url: string) => Promise<readonly Connection[]>,
): Promise<number> {
  const server = await startService({ environment });
  const prepared = (await prepare?.(server.url)) ?? [];
  const open = await openConnections(server.url, TOGETHER);
  let asked = 0;
  let answered = 0;
  async function run(seconds: number): Promise<void> {
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      const answers = await Promise.all(open.map((each) => each.ask(requestText(adjust.make({})))));
      asked += answers.length;
      answered += answers.filter((answer) => answer.status === status).length;
      await sleep(PAUSE_MS);
    }
  }
  try {
    await run(settings.warmUpSeconds);
    asked = answered = 0;
    const before = cpuMicroseconds(server);
    await run(2 * settings.seconds);
    // A token comes back every second; nothing else may be answered otherwise.
    if (answered < 0.9 * asked) throw new Error(`${answered} of ${asked} were answered ${status}`);
    return (cpuMicroseconds(server) - before) / answered;
  } finally {
    for (const each of [...open, ...prepared]) each.close();
    await server.stop();
  }
}

function sectionOf(all: {
  readonly capacity: number;
  readonly cost: number;
  readonly costs: Costs;
  readonly found: readonly Found[];
  readonly apart: boolean;
}): Section {
  const { capacity, cost, costs, found, apart } = all;
  const seconds = 2 * settings.seconds;
  const goodput = (load: number): number => {
    const of = found.find((each) => each.load === load);
    return of === undefined ? NaN : (100 * of.crowd.served) / seconds / of.capacity;
  };
  const rows = found.map(({ load, crowd, ...each }) => [
    `${load} ×`,
    figure(each.capacity),
    figure(crowd.came / seconds),
    figure(crowd.served / seconds),
    `${figure(goodput(load))} %`,
    figure(percentile(sorted(crowd.latencies), 0.5)),
    figure(percentile(sorted(crowd.latencies), 0.99)),
    figure(crowd.refusals / seconds),
    figure(crowd.turnedAway / seconds),
    figure(crowd.neverSent / seconds),
    figure(crowd.unanswered / seconds),
    figure(each.probeMs),
    figure(each.cpuPerWrite),
    `${figure(each.cpuShare)} + ${figure(each.clientShare)}`,
  ]);
  const text = [
    `Batches of ${OPERATIONS} operations, ${figure(cost)} µs of CPU each; a closed loop of ${settings.connections} connections ` +
      `reaches ${figure(capacity)} a second: the capacity, measured before and after each load. \`LOAD_SHED_QUEUE_MAX=${QUEUE_MAX}\`, \`SYNC_INTERVAL_MS=${SYNC_INTERVAL_MS}\`. Then an open loop of users who come at a multiple of ` +
      'it. Each asks up to three times, after what `Retry-After` says, waits 2 s for an answer, and has one of ' +
      `3,000 connections or none. ${seconds} s each; ${apart ? 'the main thread of the server has one CPU, all other threads and the client have another' : 'the client shares the machine with the server'}. Meanwhile a liveness probe ` +
      'every 100 ms, each on a new connection.',
    table(
      [
        'load',
        'capacity /s',
        'come /s',
        'served /s',
        'of capacity',
        'p50 ms',
        'p99 ms',
        '503 /s',
        'turned away /s',
        'no connection /s',
        'no answer /s',
        'longest probe ms',
        'CPU µs per write served',
        'CPUs, server + client',
      ],
      rows,
    ),
    `A request that is shed costs ${figure(costs.shed)} µs of CPU, one over its client's rate ` +
      `${figure(costs.limited)}, an adjust that is served ${figure(costs.served)} (${TOGETHER} at a time, every ${PAUSE_MS} ms). After each load the log has what was acknowledged, and nothing of what was refused.`,
    aimsTable([
      atLeast('goodput at 2 × capacity', goodput(2), 90, ' %'),
      atLeast('goodput at 10 × capacity', goodput(10), 50, ' %'),
    ]),
  ].join('\n\n');
  return { title: 'Overload', text, plots: [] };
}
