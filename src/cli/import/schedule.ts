import { stockKey } from '../../domain/keys.js';
import { type Step, recordsOf } from './step.js';

interface Schedule {
  readonly steps: readonly Step[];
  readonly concurrency: number;
  readonly run: (step: Step) => Promise<void>;
}

/**
 * Runs several steps at once, but steps that touch the same record in file order: whether an order
 * is accepted depends only on what happened to its records before, so that every run over the same
 * file has the same result. After a failure no further step starts; rejects with the first failure
 * once all running steps have ended.
 */
export async function runInFileOrder(schedule: Schedule): Promise<void> {
  const { steps, concurrency, run } = schedule;
  const { blockers, followers } = dependencies(steps);
  const ready = [...blockers].filter(([, count]) => count === 0).map(([step]) => step);
  const failures: unknown[] = [];
  let running = 0;

  await new Promise<void>((resolve) => {
    function startMore(): void {
      while (running < concurrency && failures.length === 0) {
        const step = ready.shift();
        if (step === undefined) break;
        running += 1;
        void run(step)
          .then(
            () => release(step),
            (error: unknown) => failures.push(error),
          )
          .then(() => {
            running -= 1;
            startMore();
          });
      }
      if (running === 0) resolve();
    }
    function release(step: Step): void {
      for (const follower of followers.get(step) ?? []) {
        const left = (blockers.get(follower) ?? 0) - 1;
        blockers.set(follower, left);
        if (left === 0) ready.push(follower);
      }
    }
    startMore();
  });
  if (failures.length > 0) throw failures[0];
}

/** Each step waits for the previous step on each of its records. */
function dependencies(steps: readonly Step[]) {
  const blockers = new Map<Step, number>();
  const followers = new Map<Step, Step[]>();
  const lastOf = new Map<string, Step>();
  for (const step of steps) {
    const keys = recordsOf(step).map(stockKey);
    const before = new Set(keys.flatMap((key) => lastOf.get(key) ?? []));
    blockers.set(step, before.size);
    for (const each of before) followers.set(each, [...(followers.get(each) ?? []), step]);
    for (const key of keys) lastOf.set(key, step);
  }
  return { blockers, followers };
}
