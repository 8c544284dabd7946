import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/domain/commands.js';
import { decideExpiry } from '../../src/domain/decide-reservation.js';
import { decide } from '../../src/domain/decide.js';
import type { EventDraft, InventoryEvent } from '../../src/domain/events.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import { isDue } from '../../src/domain/stock.js';
import { RETENTION_MS, START } from '../support/facts.js';
import { FoldState } from '../support/fold-state.js';
import { KnownIds, anyCommand, anyPause, opening } from '../support/random-commands.js';
import { randomRun } from '../support/random-run.js';

const steps = fc.array(fc.record({ pauseMs: anyPause, command: anyCommand }), {
  maxLength: 60,
  size: 'max',
});

type Steps = readonly { readonly pauseMs: number; readonly command: Command }[];

/** What happens, event by event, when the commands come one after the other. */
class Story {
  readonly state = new FoldState();
  readonly events: InventoryEvent[] = [];
  private readonly ids = new KnownIds();
  private at = START;

  /** Calls `seen` after every event, with the units on hand before it; returns all events. */
  tell(all: Steps, seen: (event: InventoryEvent, command?: Command, before?: Units) => void): void {
    const begun = opening.map((command) => ({ pauseMs: 0, command }));
    for (const { pauseMs, command: sketch } of [...begun, ...all]) {
      this.at += pauseMs;
      const due = [...this.state.reservations.values()].filter((each) => isDue(each, this.at));
      if (due.length > 0) seen(this.take(decideExpiry(due, this.circumstances())));
      const command = this.ids.in(sketch);
      const before = unitsOnHand(this.state);
      seen(this.take(decide(command, this.circumstances())), command, before);
    }
  }

  private take(draft: EventDraft): InventoryEvent {
    const sequence = this.state.lastSequence + 1;
    const request = { key: `k${sequence}`, fingerprint: 'f', keyUntil: this.at + 1_000 };
    const event = { ...draft, sequence, at: this.at, request };
    expect(this.state.apply(event)).not.toHaveProperty('breach');
    this.events.push(event);
    this.ids.seen(event);
    return event;
  }

  private circumstances() {
    return { state: this.state, at: this.at, reservationRetentionMs: RETENTION_MS };
  }
}

/** Units on hand per record. */
type Units = ReadonlyMap<StockKey, number>;

function unitsOnHand({ records }: FoldState): Units {
  return new Map([...records].map(([key, { onHand }]) => [key, onHand]));
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

/** Record by record, since all together may be more than a number holds exactly. */
function change(before: Units, after: Units): number {
  return sum([...after].map(([key, units]) => units - (before.get(key) ?? 0)));
}

/** What the command says that should come in or go out, where the event says that it happened. */
function expectedChange(
  event: InventoryEvent,
  command: Command | undefined,
  before: Units,
): number {
  if (event.type === 'RequestRefused') return 0;
  if (command?.type === 'AdjustStock') return command.delta;
  if (command?.type === 'CountStock') {
    return command.onHand - (before.get(stockKey(command)) ?? 0);
  }
  if (command?.type === 'CommitReservation') {
    return sum(event.lines.map(({ reservedDelta }) => reservedDelta));
  }
  if (command?.type !== 'BatchStock') return 0;
  const units = new Map(before);
  for (const operation of command.operations) {
    if (operation.type === 'ReserveStock') continue;
    const key = stockKey(operation);
    const onHand = units.get(key) ?? 0;
    const after = operation.type === 'CountStock' ? operation.onHand : onHand + operation.delta;
    units.set(key, after);
  }
  return change(before, units);
}

function property(name: string, check: (all: Steps) => void): void {
  it(name, () => {
    fc.assert(fc.property(steps, check), randomRun(name, 200));
  });
}

describe('whatever commands come', () => {
  property('units come in and go out by adjusting, counting and committing only', (all) => {
    const story = new Story();
    let before: Units = new Map();
    story.tell(all, (event, command, unitsBefore) => {
      const after = unitsOnHand(story.state);
      expect(change(before, after)).toBe(expectedChange(event, command, unitsBefore ?? before));
      if (event.type === 'StockTransferred') {
        for (const line of event.lines) {
          const both = event.lines.filter(({ sku }) => sku === line.sku);
          expect(sum(both.map(({ onHandDelta }) => onHandDelta))).toBe(0);
        }
      }
      before = after;
    });
  });

  property('there is never less than nothing to sell, and never more reserved than held', (all) => {
    const story = new Story();
    story.tell(all, () => {
      const wrong = [...story.state.records].filter(([key, { onHand, reserved }]) => {
        const lines = story.state.holdsOf(key).flatMap((hold) => hold.lines);
        const held = lines.filter((line) => stockKey(line) === key).map((line) => line.held);
        return reserved !== sum(held) || reserved < 0 || onHand - reserved < 0;
      });
      expect(wrong).toEqual([]);
    });
  });

  property('versions have no gaps, and every event links to the one before', (all) => {
    const story = new Story();
    const versions = new Map<string, number>();
    const sequences = new Map<string, number>();
    story.tell(all, (event) => {
      for (const line of event.lines) {
        const key = stockKey(line);
        expect(line.version).toBe((versions.get(key) ?? 0) + 1);
        expect(line.previousSequence).toBe(sequences.get(key) ?? 0);
        versions.set(key, line.version);
        sequences.set(key, event.sequence);
      }
      for (const { id, version } of event.reservations) {
        expect(version).toBe((versions.get(id) ?? 0) + 1);
        versions.set(id, version);
      }
    });
    for (const { id, sequences: life } of story.state.reservations.values()) {
      const named = story.events.filter((event) => event.reservations.some((r) => r.id === id));
      expect(life).toEqual(named.map(({ sequence }) => sequence));
    }
  });

  property('a refusal moves nothing', (all) => {
    const story = new Story();
    let before = '[]';
    story.tell(all, (event) => {
      const { records, reservations } = story.state;
      const after = JSON.stringify([...records, ...reservations]);
      if (event.type === 'RequestRefused') expect(after).toBe(before);
      before = after;
    });
  });

  property('folding the events from nothing gives the same state again', (all) => {
    const story = new Story();
    story.tell(all, () => undefined);
    const again = new FoldState();
    for (const event of JSON.parse(JSON.stringify(story.events)) as InventoryEvent[]) {
      expect(again.apply(event)).not.toHaveProperty('breach');
    }
    expect(again).toEqual(story.state);
  });
});
