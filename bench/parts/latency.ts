import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sizeOfDirectory } from '../directories.js';
import { runLoad } from '../load.js';
import { runOpenLoop } from '../open-loop.js';
import { progress } from '../progress.js';
import { barChart } from '../report/bar-chart.js';
import { type Section, aimsTable, atMost, figure, table } from '../report/section.js';
import { reserveSpread } from '../requests.js';
import { freshDirectory } from '../run-directory.js';
import { type Service, metricOf, startService } from '../service.js';
import { settings } from '../settings.js';
import { median, percentile, sorted } from '../statistics.js';

const SHARES = [0.5, 0.99, 0.999] as const;

/** How long an acknowledgement takes at half load, beside what the disk alone takes. */
export async function latency(): Promise<Section> {
  const server = await startService();
  try {
    progress('latency: how much it can do');
    await runLoad(server, [reserveSpread], { seconds: settings.warmUpSeconds });
    const rates: number[] = [];
    for (let round = 0; round < settings.rounds; round += 1) {
      const seconds = settings.seconds / 2;
      rates.push((await runLoad(server, [reserveSpread], { seconds })).requestsPerSecond);
    }
    const perSecond = Math.round(median(rates) / 2);
    const writeBytes = await meanWrite(server, () => atHalfLoad(server, perSecond));
    const acks: number[] = [];
    const syncs: number[] = [];
    const p99s: { readonly ack: number; readonly sync: number }[] = [];
    for (let round = 1; round <= settings.rounds; round += 1) {
      progress(`latency: round ${round} of ${settings.rounds}, ${perSecond} reserves a second`);
      const sync = rawSyncs(writeBytes, settings.seconds);
      const ack = await atHalfLoad(server, perSecond);
      p99s.push({ ack: percentile(sorted(ack), 0.99), sync: percentile(sorted(sync), 0.99) });
      acks.push(...ack);
      syncs.push(...sync);
    }
    return sectionOf({ perSecond, writeBytes, acks: sorted(acks), syncs: sorted(syncs), p99s });
  } finally {
    await server.stop();
  }
}

async function atHalfLoad(server: Service, perSecond: number): Promise<number[]> {
  const until = sleep(settings.seconds * 1_000);
  const samples = await runOpenLoop(server, reserveSpread, { perSecond, until });
  const shed = samples.filter((sample) => sample.shed).length;
  if (shed > 0) progress(`latency: ${shed} of ${samples.length} reserves were shed`);
  return samples.filter((sample) => !sample.shed).map(({ latencyMs }) => latencyMs);
}

/** How large one write to the log is under this load, in bytes. */
async function meanWrite(server: Service, load: () => Promise<unknown>): Promise<number> {
  const look = async () => ({
    bytes: sizeOfDirectory(join(server.dataDirectory, 'events')),
    writes: await metricOf(server, 'inventory_group_commit_events_count'),
  });
  const before = await look();
  await load();
  const after = await look();
  return Math.round((after.bytes - before.bytes) / (after.writes - before.writes));
}

/** One write and its fdatasync after the other, at the end of a growing file: ms each. */
function rawSyncs(writeBytes: number, seconds: number): number[] {
  const path = join(freshDirectory('raw'), 'file');
  const data = Buffer.alloc(writeBytes, 'x');
  const file = openSync(path, 'a');
  const durations: number[] = [];
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    const startedAt = performance.now();
    writeSync(file, data);
    fdatasyncSync(file);
    durations.push(performance.now() - startedAt);
  }
  closeSync(file);
  rmSync(path);
  return durations;
}

interface Found {
  readonly perSecond: number;
  readonly writeBytes: number;
  /** Ascending. */
  readonly acks: readonly number[];
  readonly syncs: readonly number[];
  /** Round by round. */
  readonly p99s: readonly { readonly ack: number; readonly sync: number }[];
}

function sectionOf({ perSecond, writeBytes, acks, syncs, p99s }: Found): Section {
  const row = (what: string, ascending: readonly number[]): string[] => [
    what,
    ...SHARES.map((share) => figure(percentile(ascending, share))),
    figure(ascending.at(-1) ?? NaN),
    figure(ascending.length),
  ];
  const above = median(p99s.map(({ ack, sync }) => ack - sync));
  const { rounds, seconds, connections, records } = settings;
  const text = [
    `Reserves with fresh keys at half load: open loop, ${figure(perSecond)} a second, half of what a closed ` +
      `loop of ${connections} connections reaches, ${figure(records)} records. Beside it, in turns, one write of ` +
      `${figure(writeBytes)} B (the mean write to the log under this load) and its fdatasync after the other, ` +
      `on the same disk, with nothing else on it. ${rounds} rounds of ${seconds} s each.`,
    table(
      ['ms', 'p50', 'p99', 'p99.9', 'longest', 'measured'],
      [row('acknowledgement of a reserve', acks), row('raw write + fdatasync', syncs)],
    ),
    aimsTable([
      atMost("p99 above the disk's own, median of the rounds", Math.max(0, above), 3, ' ms'),
    ]),
  ].join('\n\n');
  const bars = SHARES.flatMap((share) => {
    const name = `p${share * 100}`;
    return [
      { label: `acknowledgement, ${name}`, value: percentile(acks, share), ours: true },
      { label: `raw write + fdatasync, ${name}`, value: percentile(syncs, share), ours: false },
    ];
  });
  const svg = barChart('Latency at half load', 'ms', bars);
  const plots = [{ name: 'performance-latency', title: 'Latency at half load', svg }];
  return { title: 'Latency', text, plots };
}
