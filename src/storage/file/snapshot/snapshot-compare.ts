import { isForgotten } from '../../../domain/stock.js';
import type { PublishedState } from '../../published-state.js';

/** How a snapshot differs from the fold of the log up to the same event; []: not at all. */
export function snapshotDifferences(fold: PublishedState, snapshot: PublishedState): string[] {
  const differences: string[] = [];
  if (fold.lastAt !== snapshot.lastAt) {
    differences.push(`its last event is of ${snapshot.lastAt}, in the log it is of ${fold.lastAt}`);
  }
  for (const { what, find } of remembered(fold)) {
    const [inLog, inSnapshot] = [textOf(find(fold)), textOf(find(snapshot))];
    if (inLog === inSnapshot) continue;
    differences.push(`${what}: the log says ${inLog}, the snapshot says ${inSnapshot}`);
  }
  for (const { what, find } of remembered(snapshot)) {
    if (find(fold) === undefined) differences.push(`${what}: only the snapshot has it`);
  }
  return differences;
}

/** An entry of a state: its description, and how to find it in this state or another. */
interface Remembered {
  readonly what: string;
  readonly find: (state: PublishedState) => object | undefined;
}

/** Every entry that has not expired at the time of the state's last event. */
function* remembered(state: PublishedState): Iterable<Remembered> {
  for (const [key] of state.allRecords()) yield { what: key, find: (each) => each.record(key) };
  for (const reservation of state.allReservations()) {
    if (isForgotten(reservation, state.lastAt)) continue;
    const { id } = reservation;
    yield { what: `reservation ${id}`, find: (each) => each.reservation(id) };
  }
  for (const [digest, { until }] of state.allKeys()) {
    if (until <= state.lastAt) continue;
    yield { what: `idempotency key ${digest}`, find: (each) => each.keyEntry(digest) };
  }
}

/** Members sorted by name: the two states may have them in different orders. */
function textOf(value: object | undefined): string {
  if (value === undefined) return 'nothing';
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(members));
}
