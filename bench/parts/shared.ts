import { setTimeout as sleep } from 'node:timers/promises';
import { type RequestMaker, type Round, runLoad } from '../load.js';
import { progress } from '../progress.js';
import { barChart } from '../report/bar-chart.js';
import { type Section, figure, table, withSpread } from '../report/section.js';
import { reserveHot, reserveSpread } from '../requests.js';
import { type Service, metricOf, startService } from '../service.js';
import { settings } from '../settings.js';
import { type Spread, spreadOf } from '../statistics.js';

/** One inventory, served by one process or several. */
interface Setup {
  readonly name: string;
  start(): Promise<readonly Service[]>;
}

interface Case {
  readonly name: string;
  readonly maker: RequestMaker;
}

interface Figures {
  readonly perSecond: Spread;
  readonly cpu: Spread;
  readonly p99Ms: Spread;
}

/** Who waits for a hot record's lease waits here, since only right answers are measured. */
const SHARING = { LOCKS_ENABLED: 'true', LOCK_WAIT_MS: '30000' };

const SETUPS: readonly Setup[] = [
  { name: '1 process, exclusive', start: async () => [await startService()] },
  {
    name: '1 process, shared',
    start: async () => [await startService({ environment: SHARING })],
  },
  {
    name: '2 processes, shared',
    async start() {
      const first = await startService({ environment: SHARING });
      const { dataDirectory } = first;
      return [first, await startService({ dataDirectory, environment: SHARING })];
    },
  },
  {
    name: '2 workers, one port',
    async start() {
      const server = await startService({ environment: { ...SHARING, WORKERS: '2' } });
      while ((await metricOf(server, 'inventory_workers')) < 2) await sleep(50);
      return [server];
    },
  },
];

const CASES: readonly Case[] = [
  { name: 'reserve over all records', maker: reserveSpread },
  { name: 'reserve of one hot record', maker: reserveHot },
];

/** What sharing a directory costs, and what a second process gives. */
export async function shared(): Promise<Section> {
  const running: { readonly setup: Setup; readonly servers: readonly Service[] }[] = [];
  const rounds = new Map<string, Round[]>();
  try {
    for (const setup of SETUPS) {
      progress(`shared: starting ${setup.name}`);
      running.push({ setup, servers: await setup.start() });
    }
    for (const { servers } of running) {
      for (const { maker } of CASES) await oneRound(servers, maker, settings.warmUpSeconds);
    }
    for (let round = 1; round <= settings.rounds; round += 1) {
      progress(`shared: round ${round} of ${settings.rounds}`);
      for (const { setup, servers } of running) {
        for (const { name, maker } of CASES) {
          const key = keyOf(setup, name);
          const measured = await oneRound(servers, maker, settings.seconds);
          rounds.set(key, [...(rounds.get(key) ?? []), measured]);
        }
      }
    }
  } finally {
    for (const server of running.flatMap(({ servers }) => servers)) await server.stop();
  }
  return sectionOf((setup, name) => figuresOf(rounds.get(keyOf(setup, name)) ?? []));
}

/** Readings of workers are at most a second old. */
const SETTLED_MS = 1_500;

function keyOf({ name }: Setup, what: string): string {
  return `${name}: ${what}`;
}

/** The connections spread evenly; the figures count only if the log has exactly what was answered. */
async function oneRound(
  servers: readonly Service[],
  maker: RequestMaker,
  seconds: number,
): Promise<Round> {
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  const before = await settledSequence(first);
  const connections = Math.max(1, Math.round(settings.connections / servers.length));
  const parts = await Promise.all(
    servers.map((server) => runLoad(server, [maker], { connections, seconds })),
  );
  const answered = parts.reduce((sum, part) => sum + part.answered, 0);
  const made = (await settledSequence(first)) - before;
  if (made !== answered) throw new Error(`${answered} events expected in the log, ${made} found`);
  const cpu = parts.reduce((sum, part) => sum + part.cpuMicrosecondsPerRequest * part.answered, 0);
  return {
    answered,
    requestsPerSecond: parts.reduce((sum, part) => sum + part.requestsPerSecond, 0),
    cpuMicrosecondsPerRequest: cpu / answered,
    p50Ms: Math.max(...parts.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...parts.map(({ p99Ms }) => p99Ms)),
  };
}

/** What one process counts follows what another has written, a moment later. */
async function settledSequence(server: Service): Promise<number> {
  for (let before = NaN; ;) {
    const sequence = await metricOf(server, 'inventory_log_sequence');
    if (sequence === before) return sequence;
    before = sequence;
    await sleep(SETTLED_MS);
  }
}

function figuresOf(rounds: readonly Round[]): Figures {
  return {
    perSecond: spreadOf(rounds.map((round) => round.requestsPerSecond)),
    cpu: spreadOf(rounds.map((round) => round.cpuMicrosecondsPerRequest)),
    p99Ms: spreadOf(rounds.map((round) => round.p99Ms)),
  };
}

function sectionOf(figuresFor: (setup: Setup, name: string) => Figures): Section {
  const [alone] = SETUPS;
  if (alone === undefined) throw new Error('nothing to compare with');
  const rows = CASES.flatMap(({ name }) => {
    const base = figuresFor(alone, name);
    return SETUPS.map((setup) => {
      const { perSecond, cpu, p99Ms } = figuresFor(setup, name);
      return [
        ...[name, setup.name, withSpread(perSecond)],
        (perSecond.median / base.perSecond.median).toFixed(2),
        withSpread(cpu),
        (cpu.median / base.cpu.median).toFixed(2),
        figure(p99Ms.median),
      ];
    });
  });
  const header = ['requests', 'served by', 'per second', '×', 'CPU µs each', '×', 'p99 ms'];
  const { rounds, seconds, connections, records } = settings;
  const text = [
    `Reserves with fresh keys, closed loop, ${connections} connections in all, ${figure(records)} records; ` +
      `${rounds} rounds of ${seconds} s each, in turns: medians, and from the lowest to the highest round; × is of ` +
      'the first row. CPU is that of all processes of the server, the primary included. The load generator has its ' +
      'part of the same cores: with as many processes as cores it takes from them. `LOCK_WAIT_MS` is 30 s here, so ' +
      'that nobody is turned away from the hot record.',
    table(header, rows),
  ].join('\n\n');
  const plots = CASES.map(({ name }, index) => {
    const bars = SETUPS.map((setup) => ({
      label: setup.name,
      value: figuresFor(setup, name).perSecond.median,
      ours: true,
    }));
    const title = `One directory: ${name}`;
    const svg = barChart(title, 'requests per second', bars);
    return { name: `performance-shared-${index + 1}`, title, svg };
  });
  return { title: 'Several processes on one directory', text, plots };
}
