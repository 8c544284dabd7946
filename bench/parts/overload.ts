import { setTimeout as sleep } from 'node:timers/promises';
import { openConnections, requestText, runLoad } from '../load.js';
import { type Crowd, runCrowd } from '../impatient-users.js';
import { cpuMicroseconds } from '../process.js';
import { progress } from '../progress.js';
import { type Section, aimsTable, atLeast, figure, table } from '../report/section.js';
import { adjust, order } from '../requests.js';
import { type Service, metricOf, startService } from '../service.js';
import { settings } from '../settings.js';
import { median, percentile, sorted } from '../statistics.js';

const LOADS = [1, 2, 5, 10] as const;
/** Large enough that one client can ask for ten times what the service does. */
const ORDER = order(50);
/** Orders of that size wait in it for about a tenth of a second. */
const QUEUE_MAX = 100;
const WARM_UP_SECONDS = 3;

interface Found {
  readonly load: number;
  readonly crowd: Crowd;
  readonly cpuShare: number;
  /** Of this process, which makes the load. */
  readonly clientShare: number;
}

/** What is left of the service when far more is asked of it than it can do. */
export async function overload(): Promise<Section> {
  const shedCost = await costOfRefusing();
  const server = await startService({
    environment: { LOAD_SHED_QUEUE_MAX: String(QUEUE_MAX) },
  });
  try {
    progress('overload: how much it can do');
    await runLoad(server, [ORDER], { seconds: settings.warmUpSeconds });
    const rounds = [];
    for (let round = 0; round < settings.fewRounds; round += 1) {
      rounds.push(await runLoad(server, [ORDER]));
    }
    const capacity = median(rounds.map(({ requestsPerSecond }) => requestsPerSecond));
    const cost = median(rounds.map((round) => round.cpuMicrosecondsPerRequest));
    const found: Found[] = [];
    for (const load of LOADS) found.push(await crowdOf(server, load, capacity));
    return sectionOf({ capacity, cost, shedCost, found });
  } finally {
    await server.stop();
  }
}

async function crowdOf(server: Service, load: number, capacity: number): Promise<Found> {
  progress(`overload: ${load} times as much as it can do`);
  const before = await recorded(server);
  const cpuBefore = cpuMicroseconds(server);
  const clientBefore = process.cpuUsage();
  const startedAt = performance.now();
  const crowd = await runCrowd(server, () => ORDER.make({}), {
    ...{ perSecond: load * capacity, seconds: 2 * settings.seconds },
    warmUpSeconds: WARM_UP_SECONDS,
  });
  const cpu = cpuMicroseconds(server) - cpuBefore;
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(clientBefore);
  const cpuShare = cpu / 1_000 / elapsedMs;
  const clientShare = (user + system) / 1_000 / elapsedMs;
  // The clients' ledger: what was acknowledged is there, and nothing of what was refused.
  const done = (await recorded(server)) - before;
  if (done < crowd.acknowledged || done > crowd.acknowledged + crowd.unknown) {
    throw new Error(`${done} orders are there, ${JSON.stringify({ ...crowd, latencies: [] })}`);
  }
  return { load, crowd, cpuShare, clientShare };
}

/** Up to which event everything is durable: every order that was taken is one event. */
function recorded(server: Service): Promise<number> {
  return metricOf(server, 'inventory_log_sequence');
}

/** CPU µs of the server for a request that is over its client's rate, and for one that is served. */
async function costOfRefusing(): Promise<{ refused: number; served: number }> {
  progress('overload: what it costs to refuse');
  const limits = { RATE_LIMIT_RPS: '1', RATE_LIMIT_BURST: '10' };
  return { refused: await costOf(429, limits), served: await costOf(adjust.make({}).status, {}) };
}

/** So many ask together, again and again: too few for any connection to be held for being refused. */
const TOGETHER = 16;
const PAUSE_MS = 10;

async function costOf(
  status: number,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const server = await startService({ environment });
  const open = await openConnections(server.url, TOGETHER);
  let answered = 0;
  async function run(seconds: number): Promise<void> {
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      const answers = await Promise.all(open.map((each) => each.ask(requestText(adjust.make({})))));
      answered += answers.filter((answer) => answer.status === status).length;
      await sleep(PAUSE_MS);
    }
  }
  try {
    await run(settings.warmUpSeconds);
    answered = 0;
    const before = cpuMicroseconds(server);
    await run(2 * settings.seconds);
    return (cpuMicroseconds(server) - before) / answered;
  } finally {
    for (const each of open) each.close();
    await server.stop();
  }
}

function sectionOf(all: {
  readonly capacity: number;
  readonly cost: number;
  readonly shedCost: { readonly refused: number; readonly served: number };
  readonly found: readonly Found[];
}): Section {
  const { capacity, cost, shedCost, found } = all;
  const seconds = 2 * settings.seconds;
  const goodput = (load: number): number => {
    const served = found.find((each) => each.load === load)?.crowd.served ?? NaN;
    return (100 * served) / seconds / capacity;
  };
  const rows = found.map(({ load, crowd, cpuShare, clientShare }) => [
    `${load} ×`,
    figure(crowd.came / seconds),
    figure(crowd.served / seconds),
    `${figure(goodput(load))} %`,
    figure(percentile(sorted(crowd.latencies), 0.5)),
    figure(percentile(sorted(crowd.latencies), 0.99)),
    figure(crowd.refusals / seconds),
    figure(crowd.turnedAway / seconds),
    figure(crowd.neverSent / seconds),
    figure(crowd.unanswered / seconds),
    `${figure(cpuShare)} + ${figure(clientShare)}`,
  ]);
  const text = [
    `Orders of 50 lines, ${figure(cost)} µs of CPU each; a closed loop of ${settings.connections} connections ` +
      `reaches ${figure(capacity)} a second: the capacity. \`LOAD_SHED_QUEUE_MAX=${QUEUE_MAX}\`. Then an open loop of users who come at a multiple of ` +
      'it. Each asks up to three times, after what `Retry-After` says, waits 2 s for an answer, and has one of ' +
      `3,000 connections or none. ${seconds} s each; the client shares the machine with the server.`,
    table(
      [
        'load',
        'come /s',
        'served /s',
        'of capacity',
        'p50 ms',
        'p99 ms',
        '503 /s',
        'turned away /s',
        'no connection /s',
        'no answer /s',
        'CPUs, server + client',
      ],
      rows,
    ),
    `A request over its client's rate costs ${figure(shedCost.refused)} µs of CPU, an adjust that is served ` +
      `${figure(shedCost.served)} (${TOGETHER} at a time, every ${PAUSE_MS} ms). After each load the log has what was acknowledged, and nothing of what was refused.`,
    aimsTable([
      atLeast('goodput at 2 × capacity', goodput(2), 90, ' %'),
      atLeast('goodput at 10 × capacity', goodput(10), 50, ' %'),
    ]),
  ].join('\n\n');
  return { title: 'Overload', text, plots: [] };
}
