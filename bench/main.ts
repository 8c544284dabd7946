/**
 * npm run bench: everything side by side in one run, in turns, so that a busy machine is busy for
 * all. CPU µs per request is the figure that holds still; requests per second and latencies are of
 * a closed loop and move with the machine.
 */
import { cpus } from 'node:os';
import { type Round, runLoad } from './load.js';
import type { Measured } from './process.js';
import { BASELINE, sides } from './sides.js';
import { writersDuringBatch } from './writers-during-batch.js';
import { writersWhileFollowed } from './writers-while-followed.js';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5);
const WARM_UP_SECONDS = 2;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function measure(): Promise<Map<string, Round[]>> {
  const rounds = new Map<string, Round[]>(sides.map(({ name }) => [name, []]));
  const servers: Measured[] = [];
  try {
    for (const side of sides) servers.push(await side.start());
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [index, side] of sides.entries()) {
        const server = servers[index];
        if (server === undefined) continue;
        const seconds = round < 0 ? WARM_UP_SECONDS : SECONDS;
        const { connections, expected, makers } = side;
        const measured = await runLoad(server, makers, { connections, seconds, expected });
        if (round >= 0) rounds.get(side.name)?.push(measured);
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return rounds;
}

function print(results: Map<string, Round[]>): void {
  const cpuOf = (name: string): number =>
    median((results.get(name) ?? []).map((round) => round.cpuMicrosecondsPerRequest));
  const baseline = cpuOf(BASELINE);
  const model = cpus()[0]?.model ?? 'unknown CPU';
  console.log(`${model}, ${cpus().length} cores, Node ${process.version}`);
  console.log(`${ROUNDS} rounds of ${SECONDS} s each in turns, medians (spread)`);
  console.log();
  console.log('| side | CPU µs | per | × Express | requests/s | p50 ms | p99 ms |');
  console.log('|---|---|---|---|---|---|---|');
  for (const { name, unit, unitsPerRequest } of sides) {
    const rounds = results.get(name) ?? [];
    const cpu = rounds.map((round) => round.cpuMicrosecondsPerRequest / unitsPerRequest);
    const cells = [
      name,
      `${median(cpu).toFixed(1)} (${Math.min(...cpu).toFixed(1)}–${Math.max(...cpu).toFixed(1)})`,
      unit,
      (median(cpu) / baseline).toFixed(2),
      median(rounds.map((round) => round.requestsPerSecond)).toFixed(0),
      median(rounds.map((round) => round.p50Ms)).toFixed(1),
      median(rounds.map((round) => round.p99Ms)).toFixed(1),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

print(await measure());

const { alone, during } = await writersDuringBatch();
console.log();
console.log(
  `p99 of 16 connections that reserve: ${alone.toFixed(1)} ms alone, ${during.toFixed(1)} ms ` +
    'while another client sends batches of 10,000 operations, one after the other',
);

console.log();
console.log('| followed by | CPU µs per reserve | reserves/s | p99 ms | MB sent | MB resident |');
console.log('|---|---|---|---|---|---|');
for (const each of await writersWhileFollowed()) {
  const { who, cpuMicrosecondsPerWrite, writesPerSecond, p99Ms, ...size } = each;
  const cells = [
    who,
    cpuMicrosecondsPerWrite.toFixed(1),
    writesPerSecond.toFixed(0),
    p99Ms.toFixed(1),
    size.megabytesSent.toFixed(0),
    size.residentMegabytes.toFixed(0),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
