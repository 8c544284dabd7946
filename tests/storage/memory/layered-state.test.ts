import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionView, decide } from '../../../src/domain/decide.js';
import { decideExpiry } from '../../../src/domain/decide-reservation.js';
import type { InventoryEvent } from '../../../src/domain/events.js';
import { type StateView, knownReservation, liveKey } from '../../../src/domain/evolve.js';
import type { StockKey } from '../../../src/domain/keys.js';
import { isDue } from '../../../src/domain/stock.js';
import { createDurableReads } from '../../../src/storage/durable-reads.js';
import { LayeredState } from '../../../src/storage/layered-state.js';
import { PublishedState } from '../../../src/storage/published-state.js';
import { START, type Fact, held, keyed, settled, stocked } from '../../support/facts.js';
import { FoldState } from '../../support/fold-state.js';
import { KnownIds, anyCommand, anyPause, opening } from '../../support/random-commands.js';
import { randomRun } from '../../support/random-run.js';

const RETENTION_MS = 2_000;
const KEY_TTL_MS = 1_000;
const KEYS = ['S1/A', 'S1/B', 'S1/C D', 'S2/A', 'S2/B', 'S2/C D'] as StockKey[];
const ALL = { after: undefined, limit: 1_000 };

const anyMove = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      command: anyCommand,
      pauseMs: anyPause,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('publish' as const), part: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('takeBack' as const), part: fc.nat(4) }) },
);

type Move = typeof anyMove extends fc.Arbitrary<infer T> ? T : never;

/** The layers, and beside them the plain list of events that they must amount to. */
class Layers {
  readonly published = new PublishedState();
  readonly state = new LayeredState(this.published);
  events: InventoryEvent[] = [];
  private durable = 0;
  private at = START;
  private readonly ids = new KnownIds();

  make(move: Move): void {
    const pending = this.events.length - this.durable;
    switch (move.do) {
      case 'write':
        this.at += move.pauseMs;
        this.write(this.ids.in(move.command));
        break;
      case 'publish':
        this.durable += Math.ceil((pending * move.part) / 4);
        this.state.publish(this.durable);
        break;
      case 'drop':
        this.state.dropPending();
        this.events = this.events.slice(0, this.durable);
        break;
      case 'takeBack':
        this.events = this.events.slice(0, this.durable + Math.ceil((pending * move.part) / 4));
        this.state.takeBack(this.events.length);
        break;
    }
  }

  write(command: Parameters<typeof decide>[0]): void {
    const circumstances = { state: this.state, at: this.at, reservationRetentionMs: RETENTION_MS };
    const due = KEYS.flatMap((key) => [...this.state.expiringHolds(key)]);
    const holds = new Map(
      due.filter((each) => isDue(each, this.at)).map((each) => [each.id, each]),
    );
    if (holds.size > 0) this.append(decideExpiry([...holds.values()], circumstances));
    this.append(decide(command, circumstances));
  }

  private append(draft: ReturnType<typeof decide>): void {
    const sequence = this.events.length + 1;
    const key = `k${sequence % 7}`;
    const isFree = liveKey(this.state, key, this.at) === undefined;
    const request = { key, fingerprint: 'f', keyUntil: this.at + KEY_TTL_MS };
    const event = { ...draft, sequence, at: this.at, ...(isFree && { request }) };
    expect(this.state.append(event)).not.toHaveProperty('breach');
    this.events.push(event);
    this.ids.seen(event);
  }

  check(): void {
    const newest = foldOf(this.events);
    const { state, at } = this;
    expect(state.lastSequence).toBe(this.events.length);
    expect(state.pendingEvents).toBe(this.events.length - this.durable);
    expect(this.published.lastSequence).toBe(this.durable);
    expect(seenBy(state, newest, at)).toEqual(seenBy(newest, newest, at));
    expect(expiringIn(state)).toEqual(expiringIn(newest));
    const isDueSoon = (time: number) =>
      [...newest.reservations.values()].some((hold) => isDue(hold, time));
    for (const time of [at, at + 500])
      if (isDueSoon(time)) expect(state.mayHaveDue(time)).toBe(true);

    const durable = foldOf(this.events.slice(0, this.durable));
    const reads = createDurableReads(this.published);
    const active = [...durable.reservations.values()].filter(({ status }) => status === 'active');
    expect(seenBy(this.published, durable, at)).toEqual(seenBy(durable, durable, at));
    for (const key of KEYS) {
      const found = (reads.holdsOf(key, ALL) as typeof active).map(({ id }) => id);
      expect(found.sort()).toEqual(
        durable
          .holdsOf(key)
          .map(({ id }) => id)
          .sort(),
      );
    }
    const expiries = active.map(({ expiresAt }) => expiresAt).filter((time) => time !== null);
    const next = expiries.length > 0 ? Math.min(...expiries) : undefined;
    expect(reads.nextExpiry()).toBe(next);
    if (state.pendingEvents === 0) expect(state.mayHaveDue((next ?? START) - 1)).toBe(false);
  }
}

function foldOf(events: readonly InventoryEvent[]): FoldState {
  const fold = new FoldState();
  for (const event of events) fold.apply(event);
  return fold;
}

/** All that a view answers about what `fold` knows. */
function seenBy(view: StateView, fold: FoldState, at: number) {
  return {
    records: KEYS.map((key) => view.record(key)),
    reservations: [...fold.reservations.keys()].map((id) => knownReservation(view, id, at)),
    keys: Array.from({ length: 7 }, (_, index) => liveKey(view, `k${index}`, at)),
  };
}

function expiringIn(view: DecisionView): string[][] {
  return KEYS.map((key) => [...view.expiringHolds(key)].map(({ id }) => id));
}

describe('the pending overlay on published state', () => {
  it('amounts to the fold of its events, whatever is published, dropped or taken back', () => {
    fc.assert(
      fc.property(fc.array(anyMove, { maxLength: 40, size: 'max' }), (moves) => {
        const layers = new Layers();
        for (const command of opening) layers.write(command);
        for (const [index, move] of moves.entries()) {
          layers.make(move);
          if (move.do !== 'write' || index % 5 === 0) layers.check();
        }
        layers.check();
      }),
      randomRun('layers = fold', 200),
    );
  });

  it('does not take an event out of its order, in place or in time', () => {
    const state = stateWith(new PublishedState(), [stocked('S1/A', 10, START + 5)]);
    const event = { ...stocked('S1/B', 1)(new FoldState()), sequence: 2 };
    expect(() => state.append({ ...event, sequence: 3, at: START + 5 })).toThrow('leaves a gap');
    expect(() => state.append({ ...event, at: START + 4 })).toThrow('goes back in time');
  });

  it('shows the holds of a record in one order, whether they are down already or wait', () => {
    const facts: Fact[] = [stocked('S1/A', 10), stocked('S1/B', 10)];
    const ttls = { r1: 300, r2: 100, r3: 500, r4: 200, r5: 300, r0: 300, r6: 600 };
    for (const [id, ttlMs] of Object.entries(ttls)) facts.push(held(id, { 'S1/A': 1 }, { ttlMs }));
    facts.push(held('other', { 'S1/B': 1 }, { ttlMs: 250 }), held('endless', { 'S1/A': 1 }));
    facts.push(settled('released', 'r3', { 'S1/A': 1 }));
    const state = stateWith(new PublishedState(), facts);
    for (let published = 0; published <= facts.length; published += 1) {
      state.publish(published);
      const order = [...state.expiringHolds('S1/A' as StockKey)].map(({ id }) => id);
      expect(order).toEqual(['r2', 'r4', 'r0', 'r1', 'r5', 'r6']);
    }
  });

  it('counts the keys that wait with those that are down', () => {
    const use = (key: string) =>
      keyed(stocked('S1/A', 1), { key, fingerprint: 'f', keyUntil: START + 1_000 });
    const state = stateWith(new PublishedState(), [use('a'), use('b'), use('c')]);
    expect(state.keyCount).toBe(3);
    state.publish(1);
    expect(state.keyCount).toBe(3);
    state.publish(3);
    expect(state.keyCount).toBe(3);
  });

  it('asks for what is due only while something may be, however long writes go on', () => {
    const state = stateWith(new PublishedState(), [
      stocked('S1/A', 10),
      held('r1', { 'S1/A': 1 }, { ttlMs: 100 }),
      settled('released', 'r1', { 'S1/A': 1 }, START + 1),
      stocked('S1/B', 1, START + 200),
      held('r2', { 'S1/A': 1 }, { at: START + 200, ttlMs: 1_000 }),
      held('r3', { 'S1/A': 1 }, { at: START + 200 }),
      held('r4', { 'S1/A': 1 }, { at: START + 200, ttlMs: 10 }),
      settled('released', 'r4', { 'S1/A': 1 }, START + 200),
    ]);
    expect(state.mayHaveDue(START + 200)).toBe(true);
    state.publish(4);
    expect(state.mayHaveDue(START + 200)).toBe(false);
    expect(state.mayHaveDue(START + 1_200)).toBe(true);
  });

  it('keeps its place when thousands of events wait and go down bit by bit', () => {
    const state = stateWith(
      new PublishedState(),
      Array.from({ length: 5_000 }, (_, index) => stocked('S1/A', index)),
    );
    for (let sequence = 1; sequence <= 5_000; sequence += 7) {
      state.publish(sequence);
      expect(state.published.record('S1/A' as StockKey)?.version).toBe(sequence);
      expect(state.pendingEvents).toBe(5_000 - sequence);
      expect(state.lastSequence).toBe(5_000);
    }
  });
});

describe('published state', () => {
  it('forgets keys and closed reservations after their recorded end, a few per event', () => {
    const published = new PublishedState();
    const facts: Fact[] = [stocked('S1/A', 1_000)];
    for (let index = 0; index < 100; index += 1) {
      const id = `r${index}`;
      const request = { key: `k${index}`, fingerprint: 'f', keyUntil: START + 1_000 };
      facts.push(keyed(held(id, { 'S1/A': 1 }, { reference: 'order-1' }), request));
      facts.push(settled('released', id, { 'S1/A': 1 }));
    }
    const state = stateWith(published, facts);
    state.publish(facts.length);
    expect(published.counts).toEqual({ records: 1, reservations: 100, keys: 100 });

    const fold = foldOf([]);
    fold.records.set('S1/A' as StockKey, published.record('S1/A' as StockKey)!);
    for (let index = 0; index < 30; index += 1) {
      expect(published.counts.keys).toBe(Math.max(0, 100 - 4 * index));
      const sequence = state.lastSequence + 1;
      const event = { ...stocked('S1/A', index, START + 1e9)(fold), sequence };
      fold.apply(event);
      expect(state.append(event)).not.toHaveProperty('breach');
      state.publish(sequence);
    }
    expect(published.counts).toEqual({ records: 1, reservations: 0, keys: 0 });
    expect([...published.idsByReference('order-1', undefined)]).toEqual([]);
  });

  it('forgets what is behind a key that was used anew, too', () => {
    const published = new PublishedState();
    const use = (key: number, at: number, keyUntil: number) =>
      keyed(stocked('S1/A', 1, at), { key: `k${key}`, fingerprint: 'f', keyUntil });
    const facts: Fact[] = [];
    for (let key = 0; key < 10; key += 1) facts.push(use(key, START, START + 1_000));
    for (let key = 10; key < 20; key += 1) facts.push(use(key, START, START + 1_500));
    facts.push(use(9, START + 1_000, START + 1e9));
    for (let more = 0; more < 10; more += 1) facts.push(stocked('S1/B', more, START + 2_000));
    stateWith(published, facts).publish(facts.length);
    expect([...published.allKeys()].map(([key]) => key)).toEqual(['k9']);
  });

  it('keeps a key that was used anew for its new retention', () => {
    const published = new PublishedState();
    const use = (at: number) =>
      keyed(stocked('S1/A', 1, at), { key: 'k', fingerprint: 'f', keyUntil: at + 1_000 });
    const facts = [use(START), use(START + 1_000), stocked('S1/B', 1, START + 1_999)];
    stateWith(published, facts).publish(3);
    expect(published.keyEntry('k')).toMatchObject({ sequence: 2 });
    expect(published.counts.keys).toBe(1);
  });
});

function stateWith(published: PublishedState, facts: readonly Fact[]): LayeredState {
  const state = new LayeredState(published);
  const fold = new FoldState();
  for (const fact of facts) {
    const event = { ...fact(fold), sequence: fold.lastSequence + 1 };
    expect(fold.apply(event)).not.toHaveProperty('breach');
    expect(state.append(event)).not.toHaveProperty('breach');
  }
  return state;
}
