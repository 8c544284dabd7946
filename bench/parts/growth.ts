import { HISTORY_RECORDS, directoryOfEvents, directoryOfRecords } from '../directories.js';
import { type Round, runLoad } from '../load.js';
import { untilQuiet } from '../process.js';
import { progress } from '../progress.js';
import { lineChart } from '../report/line-chart.js';
import { type Section, aimsTable, atMost, figure, table, withSpread } from '../report/section.js';
import { reserveOver } from '../requests.js';
import { type Service, startService } from '../service.js';
import { settings } from '../settings.js';
import { spreadOf } from '../statistics.js';

interface Size {
  readonly of: 'records' | 'events';
  readonly count: number;
  readonly records: number;
  readonly server: Service;
  readonly rounds: Round[];
}

/** What a write may cost more at the largest size than at the smallest. */
const GROWTH_MAX = 1.2;

/** What a reserve costs with more and more records, and with more and more events behind it. */
export async function growth(): Promise<Section> {
  const sizes: Size[] = [];
  try {
    for (const count of settings.recordSizes) {
      const server = await startService({ dataDirectory: await directoryOfRecords(count) });
      sizes.push({ of: 'records', count, records: count, server, rounds: [] });
    }
    for (const count of settings.eventSizes) {
      const server = await startService({ dataDirectory: await directoryOfEvents(count) });
      sizes.push({ of: 'events', count, records: HISTORY_RECORDS, server, rounds: [] });
    }
    for (const { server } of sizes) await untilQuiet(server);
    for (const size of sizes) await oneRound(size, settings.warmUpSeconds);
    for (let round = 1; round <= settings.fewRounds; round += 1) {
      progress(`growth: round ${round} of ${settings.fewRounds}`);
      for (const size of sizes) size.rounds.push(await oneRound(size, settings.seconds));
    }
  } finally {
    for (const { server } of sizes) await server.stop();
  }
  return sectionOf(sizes);
}

function oneRound({ server, records }: Size, seconds: number): Promise<Round> {
  return runLoad(server, [reserveOver(records)], { seconds });
}

function cpuOf({ rounds }: Size) {
  return spreadOf(rounds.map((round) => round.cpuMicrosecondsPerRequest));
}

function sectionOf(sizes: readonly Size[]): Section {
  const rows = sizes.map((size) => [
    `${figure(size.count)} ${size.of}`,
    withSpread(cpuOf(size)),
    withSpread(spreadOf(size.rounds.map((round) => round.requestsPerSecond))),
    figure(spreadOf(size.rounds.map((round) => round.p99Ms)).median),
  ]);
  const kinds = (['records', 'events'] as const)
    .map((of) => ({ of, own: sizes.filter((size) => size.of === of) }))
    .filter(({ own }) => own.length > 0);
  const aims = kinds.map(({ of, own }) => {
    const [first, last] = [own.at(0), own.at(-1)];
    const times = first && last ? cpuOf(last).median / cpuOf(first).median : NaN;
    const what = `CPU at ${figure(last?.count ?? NaN)} ${of}, of that at ${figure(first?.count ?? NaN)}`;
    return atMost(what, times, GROWTH_MAX, ' ×');
  });
  const { fewRounds: rounds, seconds, connections } = settings;
  const text = [
    `One reserve with a fresh key, spread over all records; closed loop, ${connections} connections, ` +
      `${rounds} rounds of ${seconds} s each, in turns. The events are adjusts of ${figure(HISTORY_RECORDS)} ` +
      'records, written beforehand by the storage driver itself.',
    table(['there are', 'CPU µs per write', 'per second', 'p99 ms'], rows),
    aimsTable(aims),
  ].join('\n\n');
  const series = kinds.map(({ of, own }) => ({
    name: of,
    points: own.map((size) => ({ x: size.count, y: cpuOf(size).median })),
  }));
  const chart = {
    title: 'Cost of a write as the data grows',
    xUnit: 'records, or events in the log',
    yUnit: 'CPU µs per reserve, median',
    series,
  };
  const plots = [{ name: 'performance-growth', title: chart.title, svg: lineChart(chart) }];
  return { title: 'Growth', text, plots };
}
