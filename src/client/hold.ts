import { InventoryProblem, unknownUnder } from './errors.js';
import type { Reservation } from './wire-types.js';

export interface HoldOptions {
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

type Keyed = HoldOptions & { readonly idempotencyKey: string };

/** The requests that a hold consists of. */
export interface HoldSteps {
  readonly create: (key: Keyed) => Promise<{
    readonly reservation: Reservation;
    readonly isReplayed: boolean;
  }>;
  readonly read: (
    id: string,
    options: { readonly signal?: AbortSignal },
  ) => Promise<Reservation | undefined>;
  readonly commit: (id: string, key: Keyed) => Promise<unknown>;
  readonly release: (id: string, key: Keyed) => Promise<unknown>;
}

/** A key has at most 255 characters, and the longest suffix of a step is `:release`. */
const KEY_MAX = 247;

/** Holds while `work` runs, then commits, or releases if it throws; see InventoryClient.hold. */
export async function holdWhile<T>(
  { create, read, commit, release }: HoldSteps,
  work: (reservation: Reservation) => Promise<T>,
  options: Keyed,
): Promise<T> {
  const { idempotencyKey, signal } = options;
  if (idempotencyKey.length > KEY_MAX) {
    throw new RangeError(`the key of a hold has at most ${KEY_MAX} characters`);
  }
  const { reservation: made, isReplayed } = await create(options);
  // If its present state cannot be read, the hold is left as it is.
  const reservation = isReplayed
    ? stillActive(made, await unknownUnder(idempotencyKey, read(made.id, signal ? { signal } : {})))
    : made;
  let result: T;
  try {
    result = await work(reservation);
  } catch (error) {
    const key = { idempotencyKey: `${idempotencyKey}:release` };
    await release(made.id, key).catch((second: unknown) => {
      if (isOver(second)) return;
      throw new AggregateError([error, second], 'it failed, and so did the release of the hold');
    });
    throw error;
  }
  const committed = commit(made.id, { ...options, idempotencyKey: `${idempotencyKey}:commit` });
  await unknownUnder(idempotencyKey, committed);
  return result;
}

function stillActive(made: Reservation, now: Reservation | undefined): Reservation {
  if (now?.status === 'active') return now;
  throw new InventoryProblem({
    type: '/problems/reservation-not-active',
    title: 'The reservation is over',
    status: 409,
    code: 'reservation-not-active',
    detail: 'The key was used before, and what it held is over.',
    instance: `/api/reservations/${made.id}`,
    requestId: '',
    ...(now !== undefined && { reservationStatus: now.status }),
  });
}

function isOver(error: unknown): boolean {
  return error instanceof InventoryProblem && error.code === 'reservation-not-active';
}
