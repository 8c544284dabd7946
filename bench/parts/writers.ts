import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { directoryOfRecords } from '../directories.js';
import { askUntilServed } from '../load.js';
import { type Sample, runOpenLoop } from '../open-loop.js';
import { untilQuiet } from '../process.js';
import { progress } from '../progress.js';
import { barChart } from '../report/bar-chart.js';
import { type Section, figure, table } from '../report/section.js';
import { batch, reserveOver } from '../requests.js';
import { type Service, startService } from '../service.js';
import { settings } from '../settings.js';
import { percentile, sorted } from '../statistics.js';

/** When what disturbs the writers was under way (`performance.now()`). */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** What came of it, for the page. */
  readonly note?: string;
}

interface Meanwhile {
  readonly what: string;
  /** Makes it happen, and says when it did. */
  readonly happens: (server: Service) => Promise<Span>;
  /** It can be had only once. */
  readonly once?: boolean;
}

interface Result {
  readonly what: string;
  /** Ascending. */
  readonly latencies: readonly number[];
  /** How many were turned away instead, because there was too much to do. */
  readonly shed: number;
  readonly underWayMs: number;
  readonly note: string | undefined;
}

const LARGE_BATCH = batch(10_000);
/** Makes the log grow as fast as one request can. */
const LONG_BATCH = batch(10_000, 'r'.repeat(100));
const LOOK_EVERY_MS = 10;
/** So many batches are more log than any snapshot waits for. */
const BATCHES_MAX = 500;

/** What writers wait while something large goes on. */
export async function writers(): Promise<Section> {
  const records = Math.max(...settings.recordSizes);
  const server = await startService({
    dataDirectory: await directoryOfRecords(records),
    environment: { SYNC_ENABLED: 'false' }, // a run of the sync worker comes when it is asked for
  });
  const maker = reserveOver(records);
  const { writesPerSecond: perSecond } = settings;
  const results = new Map<string, Result>();
  try {
    await untilQuiet(server);
    await runOpenLoop(server, maker, { perSecond, until: sleep(settings.warmUpSeconds * 1_000) });
    for (let round = 1; round <= settings.fewRounds; round += 1) {
      for (const { what, happens, once = false } of meanwhiles(await hasSync(server))) {
        if (once && round > 1) continue;
        progress(`writers: round ${round} of ${settings.fewRounds}, ${what}`);
        const happening = happens(server);
        const samples = await runOpenLoop(server, maker, { perSecond, until: happening });
        add(results, what, samples, await happening);
      }
    }
  } finally {
    await server.stop();
  }
  return sectionOf([...results.values()], records);
}

function meanwhiles(withSync: boolean): Meanwhile[] {
  return [
    { what: 'alone', happens: () => spanOf(() => sleep(settings.seconds * 1_000)) },
    { what: 'batches of 10,000 operations, one after the other', happens: batches },
    { what: 'a snapshot', happens: snapshot },
    ...(withSync ? [{ what: 'a run of the sync worker', happens: syncRun, once: true }] : []),
  ];
}

async function spanOf(task: () => Promise<unknown>): Promise<Span> {
  const fromMs = performance.now();
  await task();
  return { fromMs, toMs: performance.now() };
}

function batches({ url }: Service): Promise<Span> {
  return spanOf(async () => {
    const until = performance.now() + settings.seconds * 1_000;
    while (performance.now() < until) await askUntilServed(url, LARGE_BATCH.make({}));
  });
}

/** Lets the log grow until a snapshot is made; only its own time counts. */
async function snapshot({ url, dataDirectory }: Service): Promise<Span> {
  const folder = join(dataDirectory, 'snapshots');
  const underWay = (): boolean => readdirSync(folder).some((name) => name.endsWith('.new'));
  for (let sent = 0; !underWay(); sent += 1) {
    if (sent >= BATCHES_MAX) throw new Error(`no snapshot after ${BATCHES_MAX} large batches`);
    const current = { answered: false };
    const sending = askUntilServed(url, LONG_BATCH.make({})).finally(
      () => (current.answered = true),
    );
    while (!current.answered && !underWay()) await sleep(LOOK_EVERY_MS);
    await sending;
  }
  return await spanOf(async () => {
    while (underWay()) await sleep(LOOK_EVERY_MS);
  });
}

async function hasSync({ url }: Service): Promise<boolean> {
  return (await fetch(`${url}/api/sync/status`)).ok;
}

/** The first one: it folds the whole log. */
async function syncRun({ url }: Service): Promise<Span> {
  let applied = 0;
  const span = await spanOf(async () => {
    const response = await fetch(`${url}/api/sync`, { method: 'POST' });
    if (!response.ok) throw new Error(`the sync failed: ${await response.text()}`);
    ({ applied } = (await response.json()) as { applied: number });
  });
  const perSecond = (applied / (span.toMs - span.fromMs)) * 1_000;
  const note = `The sync worker folded ${figure(applied)} events, ${figure(perSecond)} a second`;
  return {
    ...span,
    note: `${note}; the records were made by batches of 1,000 lines, an event each.`,
  };
}

function add(
  results: Map<string, Result>,
  what: string,
  samples: readonly Sample[],
  { fromMs, toMs, note }: Span,
): void {
  const before = results.get(what);
  const touched = samples.filter(
    ({ atMs, latencyMs }) => atMs <= toMs && atMs + latencyMs >= fromMs,
  );
  const served = touched.filter((each) => !each.shed).map((each) => each.latencyMs);
  results.set(what, {
    what,
    latencies: sorted([...(before?.latencies ?? []), ...served]),
    shed: (before?.shed ?? 0) + touched.length - served.length,
    underWayMs: (before?.underWayMs ?? 0) + toMs - fromMs,
    note: note ?? before?.note,
  });
}

function sectionOf(results: readonly Result[], records: number): Section {
  const rows = results.map(({ what, latencies, shed, underWayMs }) => [
    what,
    figure(percentile(latencies, 0.5)),
    figure(percentile(latencies, 0.99)),
    figure(latencies.at(-1) ?? NaN),
    `${figure(underWayMs / 1_000)} s`,
    figure(latencies.length),
    figure(shed),
  ]);
  const text = [
    `Reserves with fresh keys, open loop, ${figure(settings.writesPerSecond)} a second, on ${figure(records)} ` +
      'records; those that were waiting at any time while the other thing was under way, all rounds together.',
    table(['meanwhile', 'p50 ms', 'p99 ms', 'longest ms', 'under way', 'writes', 'shed'], rows),
    ...results.flatMap(({ note }) => note ?? []),
  ].join('\n\n');
  const bars = results.map(({ what, latencies }) => ({
    label: what,
    value: percentile(latencies, 0.99),
    ours: true,
  }));
  const svg = barChart('Writers meanwhile', 'p99 in ms', bars);
  const plots = [{ name: 'performance-writers', title: 'Writers meanwhile', svg }];
  return { title: 'Writers while something large goes on', text, plots };
}
