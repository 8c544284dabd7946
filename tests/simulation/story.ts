import type { Command } from '../../src/domain/commands.js';
import { type SeededRandom, createSeededRandom } from '../support/seeded-random.js';

/** Everything that is decided beforehand: what clients do, what fails, and when it ends. */
export interface Story {
  /** What is not told here (how long each operation takes, what survives) comes from it, too. */
  readonly seed: number;
  readonly lives: readonly Life[];
}

/** One process on the directory, from its start to its end. */
export interface Life {
  readonly clients: readonly (readonly Step[])[];
  readonly faults: readonly Fault[];
  /** At which of its disk operations it ends, if it lives that long; else when all is done. */
  readonly ending: 'stop' | { readonly by: 'kill' | 'power loss'; readonly at: number };
  /** How far somebody sets the wall clock before it starts, in ms. */
  readonly clockMoved: number;
  /** How long a sync takes at the most, in ms. */
  readonly syncMs: number;
  /** Tried on a copy of what it leaves behind. */
  readonly damage: readonly Damage[];
}

/** A request with a name, so that it can be repeated, and found in the log. */
export interface Request {
  readonly name: string;
  /** Whether it has an idempotency key: its name. */
  readonly keyed: boolean;
  readonly command: Command;
}

export type Step =
  | { readonly do: 'ask'; readonly request: Request }
  | { readonly do: 'read'; readonly storeId: string; readonly sku: string }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'set clock'; readonly ms: number };

/** `at`: with which disk operation of the life. */
export type Fault =
  | { readonly kind: 'sync fails'; readonly at: number }
  | { readonly kind: 'disk full'; readonly at: number; readonly bytesLeft: number }
  | { readonly kind: 'room again'; readonly at: number };

/** Places are parts of a whole, 0 to 1, whatever there will be. */
export interface Damage {
  readonly kind: 'flip' | 'zero' | 'cut' | 'remove';
  readonly file: number;
  readonly place: number;
}

const STORES = ['S1', 'S2'];
const SKUS = ['A', 'B', 'C'];
const DAY_MS = 86_400_000;

/** One story for each seed. */
export function tellStory(seed: number): Story {
  const random = createSeededRandom(seed);
  const asked: Request[] = [];
  const lives = Array.from({ length: 2 + random.int(4) }, () => tellLife(random, asked));
  return { seed, lives };
}

function tellLife(random: SeededRandom, asked: Request[]): Life {
  const steps = 2 + random.int(14);
  return {
    clients: Array.from({ length: 1 + random.int(5) }, () =>
      Array.from({ length: steps }, () => tellStep(random, asked)),
    ),
    faults: tellFaults(random),
    ending: random.chance(0.2)
      ? 'stop'
      : {
          by: random.chance(0.7) ? 'power loss' : 'kill',
          at: 1 + random.int(random.chance(0.3) ? 60 : 500),
        },
    clockMoved: random.chance(0.1) ? tellJump(random) : 0,
    syncMs: random.chance(0.1) ? 10_000 : 10,
    damage: Array.from({ length: random.chance(0.3) ? 1 + random.int(3) : 0 }, () => ({
      kind: random.pick(['flip', 'flip', 'zero', 'cut', 'remove'] as const),
      file: random.next(),
      place: random.next(),
    })),
  };
}

function tellFaults(random: SeededRandom): Fault[] {
  const faults: Fault[] = [];
  if (random.chance(0.2)) {
    const at = 1 + random.int(200);
    faults.push({ kind: 'disk full', at, bytesLeft: random.int(2_000) });
    faults.push({ kind: 'room again', at: at + 1 + random.int(100) });
  }
  if (random.chance(0.12)) faults.push({ kind: 'sync fails', at: 1 + random.int(300) });
  return faults;
}

/** A day back, ten years ahead, or something in between. */
function tellJump(random: SeededRandom): number {
  return random.pick([-DAY_MS, 3_650 * DAY_MS, -random.int(90_000), random.int(90_000)]);
}

function tellStep(random: SeededRandom, asked: Request[]): Step {
  const [storeId, sku] = [random.pick(STORES), random.pick(SKUS)];
  const kind = random.int(40);
  if (kind < 4) return { do: 'read', storeId, sku };
  if (kind < 8) return { do: 'wait', ms: random.int(random.chance(0.1) ? 40_000 : 400) };
  if (kind === 8) return { do: 'set clock', ms: tellJump(random) };
  // A duplicate: of what was asked just now, or long ago.
  if (kind < 18 && asked.length > 0) {
    return { do: 'ask', request: random.pick(random.chance(0.6) ? asked.slice(-6) : asked) };
  }
  const name = `r${asked.length + 1}`;
  const command = tellCommand(random, { name, storeId, sku }, asked);
  // Without a key it is found in the log by its reference.
  const request = { name, keyed: !('reference' in command) || random.chance(0.8), command };
  asked.push(request);
  return { do: 'ask', request };
}

function tellCommand(
  random: SeededRandom,
  { name: reference, storeId, sku }: { name: string; storeId: string; sku: string },
  asked: readonly Request[],
): Command {
  const qty = 1 + random.int(4);
  const holds = asked.filter(({ command }) => command.type === 'ReserveStock');
  const hold = holds.length === 0 ? undefined : random.pick(holds.slice(-8));
  const reservationId = `of-${hold?.name ?? 'nobody'}`;
  const other = storeId === 'S1' ? 'S2' : 'S1';
  switch (random.int(13)) {
    case 0:
    case 1:
    case 2: {
      const expectedVersion = random.chance(0.1) ? 1 + random.int(6) : undefined;
      const delta = random.chance(0.8) ? 1 + random.int(6) : -2;
      const demand = expectedVersion === undefined ? {} : { expectedVersion };
      return { type: 'AdjustStock', storeId, sku, delta, reference, ...demand };
    }
    case 3:
      return { type: 'CountStock', storeId, sku, onHand: random.int(20), reference };
    case 4:
      return { type: 'TransferStock', from: storeId, to: other, lines: [{ sku, qty }], reference };
    case 5:
      return { type: 'CommitReservation', reservationId };
    case 6:
      return { type: 'ReleaseReservation', reservationId };
    case 7:
      return { type: 'ExtendReservation', reservationId, ttlMs: 1 + random.int(3_000) };
    case 8:
      return {
        type: 'BatchStock',
        operations: [
          { type: 'AdjustStock', storeId, sku, delta: qty, reference },
          { type: 'CountStock', storeId: other, sku, onHand: 4 + qty, reference },
        ],
      };
    default: {
      const lines = [{ storeId, sku, qty }];
      if (random.chance(0.3)) lines.push({ storeId: other, sku: random.pick(SKUS), qty: 1 });
      const ttl = random.chance(0.6) ? { ttlMs: 1 + random.int(3_000) } : {};
      return { type: 'ReserveStock', reservationId: `of-${reference}`, lines, reference, ...ttl };
    }
  }
}
