import type { Outcome } from '../../src/application/inventory-service.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import type { StockRecord } from '../../src/domain/stock.js';
import { FoldState } from '../support/fold-state.js';
import { refusalLie } from './refusal-truth.js';
import type { SimulatedService } from './simulated-service.js';
import type { Request } from './story.js';

/** What became of a request, as far as its clients were told. */
interface Told {
  readonly request: Request;
  attempts: number;
  /** Attempts that nobody heard of again: each may have happened. */
  unheard: number;
  readonly answers: InventoryEvent[];
}

/** One attempt; of one that is never answered nothing is known. */
export interface Attempt {
  /** Which attempt of its request it is, from 1. */
  readonly number: number;
  answered(outcome: Outcome, now: number): void;
  /** 503: it has not happened. */
  turnedAway(): void;
}

/** What a record was said to be at one of its versions. */
type Claim = Pick<StockRecord, 'onHand' | 'reserved'> | { readonly available: number };

/** All that anybody was ever told, and whether it is so. */
export class Ledger {
  private readonly told = new Map<string, Told>();
  private readonly claims = new Map<string, Claim>();
  /** The highest event that was acknowledged, at all and of each record. */
  private lastAcknowledged = 0;
  private readonly acknowledged = new Map<StockKey, number>();
  readonly counts = { acknowledged: 0, duplicates: 0, replayed: 0, refusals: 0, reads: 0 };

  begin(request: Request): Attempt {
    const told = this.told.get(request.name) ?? { request, attempts: 0, unheard: 0, answers: [] };
    this.told.set(request.name, told);
    const before = this.lastAcknowledged;
    if (told.attempts > 0) this.counts.duplicates += 1;
    told.attempts += 1;
    told.unheard += 1;
    return {
      number: told.attempts,
      answered: (outcome, now) => {
        told.unheard -= 1;
        if (outcome.kind === 'event') this.answered(told, outcome, { before, now });
        else if (outcome.refusal.code === 'insufficient-stock') {
          for (const line of outcome.refusal.lines) {
            const { version, available } = line;
            if (version > 0) this.claim(stockKey(line), version, { available });
          }
        }
      },
      turnedAway: () => {
        told.unheard -= 1;
      },
    };
  }

  private answered(
    { request, answers }: Told,
    { event, replayed }: Extract<Outcome, { kind: 'event' }>,
    { before, now }: { readonly before: number; readonly now: number },
  ): void {
    const { name, keyed } = request;
    const known = answers.find(({ sequence }) => sequence === event.sequence);
    if (known !== undefined) {
      insist(keyed && replayed && isSame(known, event), `${name} is answered as it was before`);
      this.counts.replayed += 1;
      return;
    }
    if (!replayed) insist(event.sequence > before, `${name} comes behind what was acknowledged`);
    for (const { request: earlier, sequence } of keyed ? answers : []) {
      const live = (earlier?.keyUntil ?? 0) > now;
      insist(!live, `${name} was answered by event ${sequence}, and is not by ${event.sequence}`);
    }
    answers.push(event);
    this.counts.acknowledged += 1;
    if (event.refusal !== undefined) this.counts.refusals += 1;
    this.lastAcknowledged = Math.max(this.lastAcknowledged, event.sequence);
    for (const line of event.lines) {
      const key = stockKey(line);
      const sequence = Math.max(event.sequence, this.acknowledged.get(key) ?? 0);
      this.acknowledged.set(key, sequence);
    }
  }

  /**
   * A read of a record begins; the function takes what it showed. `lags`: a service that started
   * without room shows only what is surely durable, which may be less than was acknowledged.
   */
  beginRead(key: StockKey, lags: boolean): (record: StockRecord | undefined) => void {
    const before = lags ? 0 : (this.acknowledged.get(key) ?? 0);
    return (record) => {
      this.counts.reads += 1;
      insist((record?.sequence ?? 0) >= before, `a read of ${key} shows event ${before}`);
      if (record === undefined) return;
      const { version, onHand, reserved } = record;
      this.claim(key, version, { onHand, reserved });
    };
  }

  private claim(key: StockKey, version: number, claim: Claim): void {
    this.claims.set(`${key}@${version} ${'available' in claim}`, claim);
  }

  /** Everything that anybody was told is so, and nothing else is. */
  async check(storage: Pick<SimulatedService, 'repository' | 'events'>): Promise<void> {
    const events = await storage.events();
    const fold = this.fold(events);
    const { repository } = storage;
    for (const [key, record] of fold.records) {
      insist(isSame(repository.record(key), record), `${key} is what the log says`);
    }
    for (const reservation of fold.reservations.values()) {
      const { id, status } = reservation;
      if (status !== 'active') continue;
      insist(isSame(repository.reservation(id), reservation), `${id} is what the log says`);
    }
  }

  private fold(events: readonly InventoryEvent[]): FoldState {
    const fold = new FoldState();
    const found = new Map<string, InventoryEvent[]>();
    const open = new Map(this.claims);
    for (const [index, event] of events.entries()) {
      insist(event.sequence === index + 1, `event ${index + 1} is in its place`);
      insist(event.at >= fold.lastAt, `event ${event.sequence} is not before the one before it`);
      const lie = refusalLie(fold, event);
      insist(lie === undefined, `event ${event.sequence} is refused for a reason: ${lie}`);
      const changes = fold.apply(event);
      const breach = 'breach' in changes ? `${changes.breach}, ${changes.what}` : undefined;
      insist(breach === undefined, `event ${event.sequence} keeps the one rule (${breach})`);
      const name = event.request?.key ?? event.reference;
      if (name !== undefined) found.set(name, [...(found.get(name) ?? []), event]);
      for (const line of event.lines) settleClaims(open, line);
    }
    const [lost] = open.keys();
    insist(lost === undefined, `${lost} was shown, and is in the log`);
    for (const told of this.told.values()) checkTold(told, found.get(told.request.name) ?? []);
    return fold;
  }
}

function settleClaims(open: Map<string, Claim>, line: InventoryEvent['lines'][number]): void {
  const { onHand, reserved, version } = line;
  for (const about of [true, false]) {
    const name = `${stockKey(line)}@${version} ${about}`;
    const claim = open.get(name);
    if (claim === undefined) continue;
    const isSo =
      'available' in claim
        ? claim.available === onHand - reserved
        : claim.onHand === onHand && claim.reserved === reserved;
    insist(isSo, `${stockKey(line)} was at version ${version} what was shown`);
    open.delete(name);
  }
}

function checkTold({ request, answers, unheard }: Told, found: readonly InventoryEvent[]): void {
  const { name, keyed } = request;
  for (const answer of answers) {
    const there = found.find(({ sequence }) => sequence === answer.sequence);
    insist(isSame(there, answer), `${name} was answered by event ${answer.sequence}`);
  }
  insist(
    found.length <= answers.length + unheard,
    `${name} has ${found.length} effects, of ${answers.length} answers and ${unheard} unheard of`,
  );
  for (const [index, event] of (keyed ? found : []).entries()) {
    const freeFrom = found[index - 1]?.request?.keyUntil ?? 0;
    insist(event.at >= freeFrom, `${name} has one effect within its retention`);
  }
}

/** `expect` is slow, and all this is asked a million times. */
export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`it does not hold that ${what}`);
}

/** Deeply equal; a member that is undefined is as good as none. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isSame(left[name], right[name]));
}
