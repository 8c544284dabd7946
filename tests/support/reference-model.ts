import type { Command } from '../../src/domain/commands.js';
import {
  type ModelEvent,
  type ModelFacts,
  type ModelHold,
  type ModelKey,
  type ModelOutcome,
  type ModelRequest,
  type ModelStock,
  type State,
  heldIn,
  holdsWith,
  isKnown,
  keyOf,
  stockOf,
} from './reference-state.js';
import { Trial } from './reference-trial.js';

/**
 * What the service must do, written as plainly as can be and without any of its code: everything is
 * found by looking at everything, and a failed batch is thrown away with the copy it was tried on.
 */
export class ReferenceModel {
  readonly events: ModelEvent[] = [];
  private now: State = { records: {}, holds: {} };
  private readonly keys: Record<string, ModelKey> = {};
  /** The state after each event, for questions about the past. */
  private readonly past: { readonly event: ModelEvent; readonly state: State }[] = [];

  constructor(
    private readonly time: () => number,
    private readonly settings: { readonly keyTtlMs: number; readonly retentionMs: number },
  ) {}

  execute(command: Command, request?: ModelRequest): ModelOutcome | 'reused' {
    const used = request && this.keys[request.key];
    if (request !== undefined && used !== undefined && used.until > this.time()) {
      if (used.fingerprint !== request.fingerprint) return 'reused';
      return { kind: 'event', event: this.events[used.sequence - 1]!, replayed: true };
    }
    this.settle(this.touchedBy(command));
    const trial = new Trial(this.now, this.time(), this.settings.retentionMs);
    const refusal = trial.run(command);
    if (refusal !== undefined && request === undefined) return { kind: 'refusal', refusal };
    const event = this.write(
      refusal === undefined ? trial : new Trial(this.now, this.time(), 0),
      refusal === undefined ? trial.facts : { type: 'RequestRefused', refusal },
      request,
    );
    return { kind: 'event', event, replayed: false };
  }

  /** Expires every due hold of these records, as one event. */
  settle(keys: readonly string[]): void {
    const due = Object.values(this.now.holds).filter(
      (hold) =>
        hold.status === 'active' &&
        hold.expiresAt !== null &&
        hold.expiresAt <= this.time() &&
        hold.lines.some((line) => line.held > 0 && keys.includes(keyOf(line))),
    );
    if (due.length === 0) return;
    const trial = new Trial(this.now, this.time(), this.settings.retentionMs);
    for (const { id } of due) trial.takeOut(id, undefined, 'expired');
    this.write(trial, { type: 'ReservationExpired' }, undefined);
  }

  settleAll(): void {
    this.settle(Object.keys(this.now.records));
  }

  record(key: string): ModelStock | undefined {
    this.settle([key]);
    return stockOf(this.now, key);
  }

  recordsOf(storeId: string, after: string | undefined, limit: number): ModelStock[] {
    const page = () =>
      Object.keys(this.now.records)
        .filter((key) => key.startsWith(`${storeId}/`))
        .sort()
        .filter((key) => after === undefined || key > `${storeId}/${after}`)
        .slice(0, limit);
    this.settle(page());
    return page().map((key) => stockOf(this.now, key)!);
  }

  reservation(id: string): ModelHold | undefined {
    const known = () => this.known().find((hold) => hold.id === id);
    this.settle((known()?.lines ?? []).map(keyOf));
    return known();
  }

  reservationsOf(reference: string, after: string | undefined, limit: number): ModelHold[] {
    const page = () =>
      this.known()
        .filter((hold) => hold.reference === reference && hold.id > (after ?? ''))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    this.settle(page().flatMap((hold) => hold.lines.map(keyOf)));
    return page();
  }

  /** The active holds of a record, soonest expiry first, the first `skipped` left out. */
  holdsOf(key: string, skipped: number, limit: number): ModelHold[] {
    this.settle([key]);
    return this.activeHoldsOf(key).slice(skipped, skipped + limit);
  }

  activeHoldsOf(key: string): ModelHold[] {
    return holdsWith(this.now, key).sort(
      (a, b) =>
        (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity) || (a.id < b.id ? -1 : 1) || 0,
    );
  }

  /** The events that moved a record, newest first, from the one before `after`. */
  history(key: string, after: number | undefined, limit: number): ModelEvent[] | undefined {
    this.settle([key]);
    const moved = this.events.filter((event) => event.lines.some((line) => keyOf(line) === key));
    if (after !== undefined && !moved.some(({ sequence }) => sequence === after)) return undefined;
    return moved
      .filter(({ sequence }) => after === undefined || sequence < after)
      .reverse()
      .slice(0, limit);
  }

  /** A record as it was right after an event. */
  recordAfter(key: string, sequence: number): ModelStock | undefined | 'not-yet' {
    this.settle([key]);
    if (sequence > this.events.length) return 'not-yet';
    const then = this.past.filter(({ event }) => event.sequence <= sequence).at(-1);
    return then && stockOf(then.state, key);
  }

  /** A record as it was at a time: what was due by then counts for nothing, settled or not. */
  recordAt(key: string, time: number): ModelStock | undefined | 'not-yet' {
    this.settle([key]);
    if (time > this.time()) return 'not-yet';
    const then = this.past.filter(({ event }) => event.at <= time).at(-1);
    const stock = then && stockOf(then.state, key);
    if (stock === undefined) return undefined;
    const live = holdsWith(then!.state, key).filter(
      ({ expiresAt }) => expiresAt === null || expiresAt > time,
    );
    return { ...stock, reserved: heldIn(live, key) };
  }

  /** Answers and reads name reservations until their retention ends. */
  private known(): ModelHold[] {
    return Object.values(this.now.holds).filter((hold) => isKnown(hold, this.time()));
  }

  private touchedBy(command: Command): string[] {
    const named = namedBy(command);
    if (!('reservationId' in command) || command.type === 'ReserveStock') return named;
    const used = this.known().find(({ id }) => id === command.reservationId);
    return [...named, ...(used?.lines ?? []).map(keyOf)];
  }

  private write(trial: Trial, facts: ModelFacts, request: ModelRequest | undefined): ModelEvent {
    const sequence = this.events.length + 1;
    const at = this.time();
    const lines = trial.closeRecords(sequence);
    const reservations = trial.closeHolds(sequence);
    const event: ModelEvent = { sequence, at, ...facts, lines, reservations };
    if (request !== undefined) {
      const { key, fingerprint, ...answered } = request;
      const until = at + this.settings.keyTtlMs;
      event.request = {
        key,
        fingerprint,
        keyUntil: until,
        ...(facts.refusal !== undefined && answered),
      };
      this.keys[key] = { fingerprint, sequence, until };
    }
    this.events.push(event);
    this.now = trial.state;
    this.past.push({ event, state: trial.state });
    return event;
  }
}

function namedBy(command: Command): string[] {
  switch (command.type) {
    case 'AdjustStock':
    case 'CountStock':
    case 'ReleaseLine':
      return [keyOf(command)];
    case 'ReserveStock':
      return command.lines.map(keyOf);
    case 'BatchStock':
      return command.operations.map((each) =>
        keyOf(each.type === 'ReserveStock' ? each.lines[0] : each),
      );
    case 'TransferStock':
      return command.lines.flatMap(({ sku }) => [
        keyOf({ storeId: command.from, sku }),
        keyOf({ storeId: command.to, sku }),
      ]);
    case 'CommitReservation':
    case 'ReleaseReservation':
    case 'ExtendReservation':
      return [];
  }
}
