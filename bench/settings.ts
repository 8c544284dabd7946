/** Sizes of a run, from the environment; the defaults are those of docs/performance.md. */
export interface Settings {
  /** How often everything is measured, in turns. */
  readonly rounds: number;
  /** Of what takes long, or holds still. */
  readonly fewRounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  /** Stock records of a service where nothing else is said. */
  readonly records: number;
  /** The sizes that the growth of the cost per write is looked at; the largest ones start, too. */
  readonly recordSizes: readonly number[];
  readonly eventSizes: readonly number[];
  readonly eventsBehindSnapshot: number;
  readonly idempotencyKeys: number;
  /** Of the open loops that are not at half load. */
  readonly writesPerSecond: number;
  /** Data directories are made in here: it decides which disk is measured. */
  readonly directory: string;
}

const rounds = positive('BENCH_ROUNDS', 5);

export const settings: Settings = {
  rounds,
  fewRounds: Math.min(3, rounds),
  seconds: positive('BENCH_SECONDS', 3),
  warmUpSeconds: positive('BENCH_WARM_UP_SECONDS', 2),
  connections: positive('BENCH_CONNECTIONS', 64),
  records: positive('BENCH_RECORDS', 50_000),
  recordSizes: positives('BENCH_RECORD_SIZES', [1_000, 100_000, 1_000_000]),
  eventSizes: positives('BENCH_EVENT_SIZES', [10_000, 1_000_000, 10_000_000]),
  eventsBehindSnapshot: positive('BENCH_EVENTS_BEHIND', 100_000),
  idempotencyKeys: positive('BENCH_KEYS', 1_000_000),
  writesPerSecond: positive('BENCH_WRITES_PER_SECOND', 1_000),
  directory: process.env['BENCH_DIR'] ?? 'bench/output',
};

function positive(name: string, standard: number): number {
  return positives(name, [standard])[0] ?? standard;
}

function positives(name: string, standard: readonly number[]): readonly number[] {
  const text = process.env[name] ?? '';
  if (text === '') return standard;
  const numbers = text.split(',').map(Number);
  if (numbers.every((number) => number > 0)) return numbers;
  throw new Error(`${name}=${text}: must be above 0 (of several sizes: with commas)`);
}
