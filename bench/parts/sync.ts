import { runLoad } from '../load.js';
import { cpuMicroseconds } from '../process.js';
import { progress } from '../progress.js';
import { type Section, figure, table } from '../report/section.js';
import { reserveSpread } from '../requests.js';
import { type Service, startService } from '../service.js';
import { settings } from '../settings.js';

const WRITERS = 16;
const OFF = { SYNC_ENABLED: 'false' };
const FOLDS = {
  'not at all': OFF,
  'every 15 s': { SYNC_INTERVAL_MS: '15000' },
  'every 100 ms': { SYNC_INTERVAL_MS: '100' },
};

/** How fast the worker folds, and what it costs the writers. */
export async function sync(): Promise<Section> {
  const { applied, perSecond, cpuMicrosecondsEach } = await foldingSpeed();
  const rows: string[][] = [];
  for (const [often, environment] of Object.entries(FOLDS)) {
    progress(`sync: writers while the log is folded ${often}`);
    rows.push([often, ...(await writersWhile(environment))]);
  }
  const text = [
    `One run over ${figure(applied)} reserves on ${figure(settings.records)} records: ` +
      `${figure(perSecond)} events a second, ${figure(cpuMicrosecondsEach)} µs of CPU each.`,
    `Reserves of ${WRITERS} connections, closed loop, one round each:`,
    table(['the log is folded', 'CPU µs per reserve', 'per second', 'p99 ms'], rows),
  ].join('\n\n');
  return { title: 'The sync worker', text, plots: [] };
}

async function foldingSpeed() {
  progress('sync: folding speed');
  const server = await startService({ environment: OFF });
  try {
    await run(server);
    await runLoad(server, [reserveSpread], { connections: settings.connections });
    const cpuBefore = cpuMicroseconds(server);
    const { applied, durationMs } = await run(server);
    const cpuMicrosecondsEach = (cpuMicroseconds(server) - cpuBefore) / applied;
    return { applied, perSecond: applied / (durationMs / 1_000), cpuMicrosecondsEach };
  } finally {
    await server.stop();
  }
}

async function writersWhile(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const server = await startService({ environment });
  try {
    await runLoad(server, [reserveSpread], { connections: WRITERS });
    const load = await runLoad(server, [reserveSpread], { connections: WRITERS });
    return [
      figure(load.cpuMicrosecondsPerRequest),
      figure(load.requestsPerSecond),
      figure(load.p99Ms),
    ];
  } finally {
    await server.stop();
  }
}

async function run({ url }: Service): Promise<{ applied: number; durationMs: number }> {
  const answer = await fetch(`${url}/api/sync`, { method: 'POST' });
  if (!answer.ok) throw new Error(`the run failed: ${await answer.text()}`);
  return (await answer.json()) as { applied: number; durationMs: number };
}
