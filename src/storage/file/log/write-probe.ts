import type { Timers } from '../../../system.js';

/** A disk that has refused a write is tried again after this long, if no write has done so. */
const PROBE_AFTER_MS = 5_000;

/** Finds out when a disk accepts writes again: an idle service would not notice otherwise. */
export interface WriteProbe {
  /** Called when a write was refused. */
  schedule(): void;
  cancel(): void;
}

export function createWriteProbe(deps: {
  readonly timers: Pick<Timers, 'after'>;
  /** Whether writes are refused, and an attempt could change that. */
  readonly isNeeded: () => boolean;
  /** Writes something that changes nothing; rejects if the disk refuses it. */
  readonly attempt: () => Promise<void>;
}): WriteProbe {
  const { timers, isNeeded, attempt } = deps;
  let cancel = (): void => undefined;

  function schedule(): void {
    cancel();
    cancel = timers.after(PROBE_AFTER_MS, () => void probe());
  }

  async function probe(): Promise<void> {
    if (!isNeeded()) return;
    await attempt().catch(() => undefined);
    if (isNeeded()) schedule();
  }

  return { schedule, cancel: () => cancel() };
}
