import { UnavailableError } from '../../../domain/errors.js';
import type { SealedSegment } from '../log/manifest.js';
import type { SegmentChecker } from './segment-checker.js';

/** Damage is not repaired by waiting. */
const RETRY_MS = 60_000;

/** Refuses writes once damage is found in acknowledged data while the service runs. */
export interface DamageGate {
  readonly isOpen: boolean;
  /** Throws UnavailableError once damage was found. */
  assertOpen(): void;
  close(damage: string): void;
  /** Reports whether the disk accepts writes, which makes no difference to damaged data. */
  onWritable(problem: unknown): void;
  /** Reads segments that a snapshot covers, which the start has skipped; never rejects. */
  check(sealed: readonly SealedSegment[], snapshotSequence: number): Promise<void>;
}

export function createDamageGate(deps: {
  readonly segmentChecker: SegmentChecker;
  readonly report: {
    warning(message: string): void;
    writable(problem: unknown): void;
  };
  /** A check that a stop interrupts is not reported. */
  readonly isStopping: () => boolean;
}): DamageGate {
  const { segmentChecker, report, isStopping } = deps;
  let isOpen = true;

  function close(damage: string): void {
    isOpen = false;
    report.writable(new Error(damage));
  }

  return {
    get isOpen() {
      return isOpen;
    },
    assertOpen() {
      if (!isOpen) throw new UnavailableError('storage-unavailable', RETRY_MS);
    },
    close,
    onWritable(problem) {
      if (isOpen) report.writable(problem);
    },
    async check(sealed, snapshotSequence) {
      const skipped = sealed.filter(({ last }) => last <= snapshotSequence);
      if (skipped.length === 0) return;
      try {
        const damage = await segmentChecker.check(skipped);
        if (damage !== undefined) close(damage);
      } catch (error) {
        if (!isStopping()) report.warning(`old segments could not be checked: ${String(error)}`);
      }
    },
  };
}
