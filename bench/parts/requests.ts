import { type Round, runLoad } from '../load.js';
import { UnavailableSide } from '../postgres.js';
import type { Measured } from '../process.js';
import { barChart } from '../report/bar-chart.js';
import {
  type Aim,
  type Section,
  aimsTable,
  atLeast,
  atMost,
  figure,
  table,
  withSpread,
} from '../report/section.js';
import { settings } from '../settings.js';
import { type Side, sides as allSides } from '../sides.js';
import { type Spread, spreadOf } from '../statistics.js';
import { progress } from '../progress.js';

interface Running {
  readonly side: Side;
  readonly server: Measured;
  readonly rounds: Round[];
}

/** Of one unit of a side: a request, an order, an operation. */
interface Result {
  readonly side: Side;
  readonly cpu: Spread;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

const BASELINES = ['raw', 'express', 'fastify'];

export const sideKeys = allSides.map(({ key }) => key);

/** All sides, or the named ones beside what they are compared with. */
export async function requests(keys: readonly string[]): Promise<Section> {
  const wanted = [...BASELINES, ...keys];
  const sides = keys.length === 0 ? allSides : allSides.filter(({ key }) => wanted.includes(key));
  const running: Running[] = [];
  const skipped: string[] = [];
  try {
    for (const side of sides) {
      progress(`requests: starting ${side.name}`);
      try {
        running.push({ side, server: await side.start(), rounds: [] });
      } catch (error) {
        if (!(error instanceof UnavailableSide)) throw error;
        skipped.push(`${side.name}: not measured, ${error.message}`);
      }
    }
    for (const each of running) await oneRound(each, settings.warmUpSeconds);
    for (let round = 1; round <= settings.rounds; round += 1) {
      progress(`requests: round ${round} of ${settings.rounds}`);
      for (const each of running) each.rounds.push(await oneRound(each, settings.seconds));
    }
  } finally {
    for (const { server } of running) await server.stop();
  }
  return sectionOf(running.map(resultOf), skipped);
}

/** The figures count only if the log has exactly what was answered. */
async function oneRound({ side, server }: Running, seconds: number): Promise<Round> {
  await side.prepare?.(server);
  const before = await side.logSequence?.(server);
  const round = await runLoad(server, side.makers, { connections: side.connections, seconds });
  const after = await side.logSequence?.(server);
  if (before !== undefined && after !== undefined) {
    const expected = round.answered * (side.eventsPerRequest ?? 0);
    if (after - before !== expected) {
      throw new Error(
        `${side.name}: ${expected} events expected in the log, ${after - before} found`,
      );
    }
  }
  return round;
}

function resultOf({ side, rounds }: Running): Result {
  const { unitsPerRequest } = side;
  return {
    side,
    cpu: spreadOf(rounds.map((round) => round.cpuMicrosecondsPerRequest / unitsPerRequest)),
    perSecond: spreadOf(rounds.map((round) => round.requestsPerSecond * unitsPerRequest)),
    p50Ms: spreadOf(rounds.map((round) => round.p50Ms)),
    p99Ms: spreadOf(rounds.map((round) => round.p99Ms)),
  };
}

function sectionOf(results: readonly Result[], skipped: readonly string[]): Section {
  const cpuOf = (key: string): number => find(results, key)?.cpu.median ?? NaN;
  const [raw, express] = [cpuOf('raw'), cpuOf('express')];
  const rows = results.map(({ side, cpu, perSecond, p50Ms, p99Ms }) => [
    side.name,
    withSpread(cpu),
    side.unit,
    (cpu.median / raw).toFixed(2),
    (cpu.median / express).toFixed(2),
    withSpread(perSecond),
    figure(p50Ms.median),
    figure(p99Ms.median),
  ]);
  const header = ['side', 'CPU µs', 'per', '× raw', '× Express', 'per second', 'p50 ms', 'p99 ms'];
  const { rounds, seconds, connections, records } = settings;
  const text = [
    `CPU time of the server's processes, all threads (with PostgreSQL: its processes too, the load generator not); ` +
      `closed loop, ${connections} connections (batch: 4), ${figure(records)} records, logs, metrics and syncs on. ` +
      `${rounds} rounds of ${seconds} s each, in turns: medians, and from the lowest to the highest round.`,
    table(header, rows),
    ...skipped,
    aimsTable(aimsOf(results)),
  ];
  return {
    title: 'Requests',
    text: text.filter((part) => part !== '').join('\n\n'),
    plots: plotsOf(results),
  };
}

function find(results: readonly Result[], key: string): Result | undefined {
  return results.find(({ side }) => side.key === key);
}

function aimsOf(results: readonly Result[]): Aim[] {
  const found = new Map(results.map((result) => [result.side.key, result]));
  const aims: Aim[] = [];
  const compare = (what: string, [one, other]: readonly [string, string], limit: number): void => {
    const [a, b] = [found.get(one), found.get(other)];
    if (a && b) aims.push(atMost(what, a.cpu.median / b.cpu.median, limit, ' ×'));
  };
  compare('reserve, CPU of bare Express', ['reserve', 'express'], 0.45);
  compare('reserve, CPU of raw node:http', ['reserve', 'raw'], 3);
  compare('GET, CPU of bare Express', ['get', 'express'], 0.3);
  compare('hot record, CPU of spread records', ['hot', 'reserve'], 1.05); // the same, within the spread
  compare('refused, CPU of accepted', ['refused', 'reserve'], 1);
  compare('replayed, CPU of accepted', ['replay', 'reserve'], 1);
  const [reserve, postgres] = [found.get('reserve'), found.get('postgres')];
  if (reserve && postgres) {
    const times = reserve.perSecond.median / postgres.perSecond.median;
    aims.push(atLeast('reserve, throughput of Express + PostgreSQL', times, 5, ' ×'));
  }
  const batch = found.get('batch');
  if (batch) aims.push(atMost('operation of a batch, CPU', batch.cpu.median, 5, ' µs'));
  return aims;
}

function plotsOf(results: readonly Result[]) {
  const ours = ({ side }: Result): boolean => side.name.startsWith('service');
  const bars = (spread: (result: Result) => Spread) =>
    results.map((result) => {
      const { median, low, high } = spread(result);
      const { name, unit } = result.side;
      const label = unit === 'request' ? name : `${name}, per ${unit}`;
      return { label, value: median, low, high, ours: ours(result) };
    });
  const requestsOnly = results.filter(({ side }) => side.key !== 'batch');
  return [
    {
      name: 'performance-cpu',
      title: 'CPU per request',
      svg: barChart(
        'CPU of the server',
        'µs; median, lowest and highest round',
        bars(({ cpu }) => cpu),
      ),
    },
    {
      name: 'performance-throughput',
      title: 'Requests per second',
      svg: barChart(
        'Throughput',
        'per second; median, lowest and highest round',
        requestsOnly.map((result) => ({
          label:
            result.side.unit === 'request'
              ? result.side.name
              : `${result.side.name}, per ${result.side.unit}`,
          value: result.perSecond.median,
          low: result.perSecond.low,
          high: result.perSecond.high,
          ours: ours(result),
        })),
      ),
    },
  ];
}
