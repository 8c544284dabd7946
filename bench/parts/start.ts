import {
  continueDirectory,
  directoryOfEvents,
  directoryOfRecords,
  makeDirectory,
  sizeOfDirectory,
} from '../directories.js';
import { residentBytes, untilQuiet } from '../process.js';
import { progress } from '../progress.js';
import { type Bar, barChart } from '../report/bar-chart.js';
import { type Section, aimsTable, atMost, figure, table, withSpread } from '../report/section.js';
import { removeDirectory } from '../run-directory.js';
import { startService } from '../service.js';
import { settings } from '../settings.js';
import { type Spread, spreadOf } from '../statistics.js';

interface Starts {
  readonly what: string;
  readonly diskBytes: number;
  readonly cleanMs: Spread;
  readonly killedMs: Spread;
  /** Once the server has nothing more to do. */
  readonly residentBytes: number;
}

/** How long large data directories take to start, and what they take of memory. */
export async function start(): Promise<Section> {
  const { eventsBehindSnapshot: behind, idempotencyKeys: keys } = settings;
  const records = Math.max(...settings.recordSizes);
  const events = Math.max(...settings.eventSizes);

  const empty = await startsOf('nothing', await makeDirectory('empty', []));
  const recordsDirectory = await directoryOfRecords(records);
  const stocked = await startsOf(`${figure(records)} records`, recordsDirectory);
  await continueDirectory(recordsDirectory, [
    { kind: 'reserves', count: behind, records, keyed: true },
  ]);
  const trailing = await startsOf(
    `${figure(records)} records, ${figure(behind)} reserves behind the snapshot`,
    recordsDirectory,
  );
  const history = await startsOf(
    `${figure(events)} events of 1,000 records`,
    await directoryOfEvents(events),
  );
  const perKey = await bytesPerKey(keys);

  const all = [empty, stocked, trailing, history];
  const perRecord = (stocked.residentBytes - empty.residentBytes) / records;
  const seconds = ({ cleanMs, killedMs }: Starts): number =>
    Math.max(cleanMs.median, killedMs.median) / 1_000;
  const text = [
    `From spawning the process of \`npm start\` until it listens, with the files in the page cache: after a ` +
      `clean stop, and after \`kill -9\`. Resident memory is that of the process once its checks of ` +
      `old segments have ended; per record and per idempotency key it is the difference that ${figure(records)} ` +
      `records and ${figure(keys)} keys make.`,
    table(['data', 'on disk', 'clean start', 'start after kill -9', 'resident'], all.map(rowOf)),
    aimsTable([
      atMost(trailing.what, seconds(trailing), 3, ' s'),
      atMost(history.what, seconds(history), 3, ' s'),
      atMost('memory of a record', perRecord, 400, ' B'),
      atMost('memory of an idempotency key', perKey, 250, ' B'),
    ]),
  ].join('\n\n');
  const bars = all.flatMap(({ what, cleanMs, killedMs }) => [
    barOf(`${what}: clean`, cleanMs),
    barOf(`${what}: killed`, killedMs),
  ]);
  const svg = barChart('Start', 's until it listens; median, lowest and highest', bars);
  const plots = [{ name: 'performance-start', title: 'Start time', svg }];
  return { title: 'Start and memory', text, plots };
}

async function startsOf(what: string, dataDirectory: string): Promise<Starts> {
  progress(`start: ${what}`);
  const diskBytes = sizeOfDirectory(dataDirectory);
  const clean: number[] = [];
  const killed: number[] = [];
  let resident = NaN;
  for (let round = 0; round < settings.fewRounds; round += 1) {
    const first = await startService({ dataDirectory });
    clean.push(first.startMs);
    if (round === 0) {
      await untilQuiet(first);
      resident = residentBytes(first.pid);
    }
    await first.kill();
    const second = await startService({ dataDirectory });
    killed.push(second.startMs);
    await second.stop();
  }
  const [cleanMs, killedMs] = [spreadOf(clean), spreadOf(killed)];
  return { what, diskBytes, cleanMs, killedMs, residentBytes: resident };
}

/** What a kept idempotency key adds to resident memory. */
async function bytesPerKey(count: number): Promise<number> {
  const residentWith = async (keyed: boolean): Promise<number> => {
    const records = 1_000;
    const dataDirectory = await makeDirectory('keys', [
      { kind: 'records', count: records },
      { kind: 'adjusts', count, records, keyed },
      { kind: 'snapshot' },
    ]);
    const server = await startService({ dataDirectory });
    await untilQuiet(server);
    const bytes = residentBytes(server.pid);
    await server.stop();
    removeDirectory(dataDirectory);
    return bytes;
  };
  return ((await residentWith(true)) - (await residentWith(false))) / count;
}

function rowOf({ what, diskBytes, cleanMs, killedMs, residentBytes: resident }: Starts): string[] {
  const inSeconds = ({ median, low, high }: Spread): string =>
    `${withSpread({ median: median / 1_000, low: low / 1_000, high: high / 1_000 })} s`;
  return [
    what,
    `${figure(diskBytes / 1e6)} MB`,
    inSeconds(cleanMs),
    inSeconds(killedMs),
    `${figure(resident / 1e6)} MB`,
  ];
}

function barOf(label: string, { median, low, high }: Spread): Bar {
  return { label, value: median / 1_000, low: low / 1_000, high: high / 1_000, ours: true };
}
