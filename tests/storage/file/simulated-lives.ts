import { expect } from 'vitest';
import type { Command } from '../../../src/domain/commands.js';
import { UnavailableError } from '../../../src/domain/errors.js';
import type { InventoryEvent } from '../../../src/domain/events.js';
import { FoldState } from '../../support/fold-state.js';
import { type SeededRandom, createSeededRandom } from '../../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../../support/simulated-disk.js';
import { type SimulatedSystem, createSimulatedSystem } from '../../support/simulated-system.js';
import {
  type Said,
  type TestStorage,
  keyedRequest,
  nothingSaid,
  openTestStorage,
} from '../../support/test-storage.js';

const ROOT = '/data/inventory';
/** Rotations and snapshots all the time. */
const POLICY = { everyEvents: 20, logBytesMin: 1_024 };
const CLIENTS = 4;
const STORES = ['S1', 'S2'];
const SKUS = ['A', 'B', 'C'];

/** What became of a request, as far as its clients were told. */
interface Request {
  readonly command: Command;
  readonly key: string;
  /** Attempts that nobody heard of again: each may have happened. Without one, and without an answer, it has not. */
  unheard: number;
  answer?: InventoryEvent;
}

/** What lives of one directory must agree on: all that anybody was ever told. */
export interface World {
  readonly random: SeededRandom;
  readonly disk: SimulatedDisk;
  readonly system: SimulatedSystem;
  readonly requests: Request[];
  /** The highest sequence that a reader has seen. */
  seen: number;
  stoppedClean: boolean;
}

export function createWorld(seed: number): World {
  const random = createSeededRandom(seed);
  return {
    random,
    disk: createSimulatedDisk(random.fork()),
    system: createSimulatedSystem(random.fork()),
    requests: [],
    seen: 0,
    stoppedClean: false,
  };
}

export interface Life {
  /** With which of its operations it ends; undefined: it stops by itself. */
  readonly diesAt?: number;
  readonly commandsEach: number;
  /** Bytes of room on the disk for a while. */
  readonly room?: number;
  /** With which of its commands a sync fails. */
  readonly syncFailsAt?: number;
}

/** Starts, checks what it finds, serves a few clients, and ends as told. */
export async function live(world: World, life: Life): Promise<void> {
  const { disk } = world;
  if (life.diesAt !== undefined) disk.dieAt(life.diesAt);
  if (life.room !== undefined) disk.room = life.room;
  const mine = disk.life;
  const cleanBefore = world.stoppedClean;
  world.stoppedClean = false;
  const said = nothingSaid();
  const alive = <T>(task: Promise<T>): Promise<T | 'dead'> =>
    Promise.race([task, mine.death.then((): 'dead' => 'dead')]);
  const storage = await alive(start(world, said));
  if (storage === 'dead' || storage === 'no room') return;
  // Without room, what may not be durable is not shown either: there is less to compare.
  const writable = said.writable.length === 0;
  if (writable && (await alive(checkAgainstLedger(world, storage))) === 'dead') return;
  if (cleanBefore) expect(storage.repository.recovery.clean).toBe(true);
  const clients = Array.from({ length: CLIENTS }, () => serve(world, storage, life));
  if ((await alive(Promise.all(clients))) === 'dead') return;
  disk.room = Infinity;
  if (life.diesAt !== undefined) return;
  if ((await alive(storage.repository.close())) === 'dead') return;
  world.stoppedClean = said.writable.at(-1) === undefined && said.warnings.length === 0;
}

async function start(
  { disk, system }: World,
  said: Said,
): Promise<TestStorage | 'no room' | 'dead'> {
  const onFatal = () => disk.kill();
  const { fileSystem } = disk.life;
  try {
    return await openTestStorage({ root: ROOT, fileSystem, system, said, policy: POLICY, onFatal });
  } catch (error) {
    // A directory cannot be made without room; one that is there can be read.
    if ((error as { code?: string }).code === 'ENOSPC') return 'no room';
    throw error;
  }
}

async function serve(world: World, storage: TestStorage, life: Life): Promise<void> {
  const { random, disk, system } = world;
  const mine = disk.life;
  for (let turn = 0; turn < life.commandsEach && !mine.over; turn += 1) {
    if (turn === life.syncFailsAt) disk.failNextSync();
    if (random.chance(0.1)) disk.room = life.room ?? Infinity;
    else if (random.chance(0.2)) disk.room = Infinity;
    system.advance(random.int(300));
    await ask(storage, chooseRequest(world));
    world.seen = Math.max(world.seen, storage.repository.durableSequence());
  }
}

/** One attempt: answered, refused as not executed, or never heard of again. */
async function ask(storage: TestStorage, request: Request): Promise<void> {
  const { command, key, answer: before } = request;
  request.unheard += 1;
  try {
    const outcome = await storage.service.execute(command, keyedRequest(key));
    if (outcome.kind !== 'event') throw new Error('a keyed request is answered by an event');
    if (before !== undefined) expect(outcome.event).toEqual(before);
    request.answer = outcome.event;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
  }
  request.unheard -= 1;
}

/** A new one; or, again with its key, one that has no answer yet, or even one that has. */
function chooseRequest({ random, requests }: World): Request {
  const open = requests.filter(({ answer }) => answer === undefined);
  if (open.length > 0 && random.chance(0.3)) return random.pick(open);
  if (requests.length > 0 && random.chance(0.05)) return random.pick(requests);
  const key = `key-${requests.length}`;
  const request: Request = { command: chooseCommand(random, key, requests), key, unheard: 0 };
  requests.push(request);
  return request;
}

function chooseCommand(random: SeededRandom, key: string, requests: readonly Request[]): Command {
  const storeId = random.pick(STORES);
  const sku = random.pick(SKUS);
  const qty = 1 + random.int(4);
  const held = requests.filter(({ command }) => command.type === 'ReserveStock');
  const reservationId = held.length === 0 ? 'none' : `of-${random.pick(held).key}`;
  switch (random.int(8)) {
    case 0:
    case 1:
      return { type: 'AdjustStock', storeId, sku, delta: random.chance(0.8) ? 5 : -2 };
    case 2:
      return { type: 'CountStock', storeId, sku, onHand: random.int(20), reason: 'Zählung' };
    case 3:
      return {
        type: 'TransferStock',
        ...{ from: storeId, to: storeId === 'S1' ? 'S2' : 'S1', lines: [{ sku, qty }] },
      };
    case 4:
      return {
        type: random.chance(0.5) ? 'CommitReservation' : 'ReleaseReservation',
        reservationId,
      };
    default:
      return {
        ...{ type: 'ReserveStock', reservationId: `of-${key}`, lines: [{ storeId, sku, qty }] },
        ...(random.chance(0.7) && { ttlMs: 1 + random.int(3_000) }),
      };
  }
}

/** Everything that anybody was told is so, and nothing else is. */
async function checkAgainstLedger(world: World, storage: TestStorage): Promise<void> {
  const events = await storage.events();
  const fold = new FoldState();
  const byKey = new Map<string, InventoryEvent[]>();
  for (const [index, event] of events.entries()) {
    insist(event.sequence === index + 1, `event ${index + 1} is in its place`);
    insist(!('breach' in fold.apply(event)), `event ${event.sequence} keeps the one rule`);
    const key = event.request?.key;
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), event]);
  }
  insist(events.length >= world.seen, `a reader has seen event ${world.seen}`);
  world.seen = events.length;
  for (const { key, answer, unheard } of world.requests) {
    const found = byKey.get(key) ?? [];
    insist(found.length <= 1, `${key} has one effect at the most`);
    if (answer !== undefined) insist(isSame(found[0], answer), `the answer to ${key} stands`);
    else if (unheard === 0) insist(found.length === 0, `${key} has not happened`);
  }
  for (const [key, record] of fold.records) {
    insist(isSame(storage.repository.record(key), record), `${key} is as the log says`);
  }
  for (const reservation of fold.reservations.values()) {
    if (reservation.status !== 'active') continue;
    const { id } = reservation;
    insist(isSame(storage.repository.reservation(id), reservation), `${id} is as the log says`);
  }
}

/** `expect` is slow, and all this is asked a million times. */
function insist(holds: boolean, what: string): void {
  if (!holds) expect.fail(`it does not hold that ${what}`);
}

/** Deeply equal; a member that is undefined is as good as none. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isSame(left[name], right[name]));
}
