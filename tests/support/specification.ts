import { expect } from 'vitest';
import type { Command } from '../../src/domain/commands.js';
import { type Circumstances, decide } from '../../src/domain/decide.js';
import type { RecordedRefusal } from '../../src/domain/events.js';
import type {
  EventDraft,
  EventType,
  InventoryEvent,
  VersionRead,
} from '../../src/domain/events.js';
import type { Changes, RuleBreach } from '../../src/domain/evolve.js';
import { stockKey } from '../../src/domain/keys.js';
import type { Reservation } from '../../src/domain/stock.js';
import { type Fact, type PlacedDraft, RETENTION_MS, START } from './facts.js';
import { FoldState } from './fold-state.js';

/** When a command comes where a specification does not say: after everything that was given. */
export const LATER = START + 60_000;

/** What a record must be after the event: its version, and what is left of it. */
export interface RecordAfter {
  readonly version: number;
  readonly onHand: number;
  readonly reserved: number;
}

export type ReservationAfter = Partial<Reservation>;

/** A specification reads `given(facts).when(command, at).then(type, records, reservations)`. */
export function given(...facts: readonly Fact[]) {
  const state = stateAfter(...facts);
  return {
    state,
    when: (command: Command, at = LATER) =>
      decided(state, at, (circumstances) => decide(command, circumstances)),
    /** For a decision that is no command, as the expiry of what is due. */
    whenDeciding: (decision: (circumstances: Circumstances) => EventDraft, at = LATER) =>
      decided(state, at, decision),
    /** For the one rule: what it says to an event that need not come from `decide`. */
    whenAppending: (fact: Fact, at?: number) => appended(state, fact(state), at),
  };
}

export function stateAfter(...facts: readonly Fact[]): FoldState {
  const state = new FoldState();
  for (const fact of facts) {
    const outcome = appended(state, fact(state));
    if ('breach' in outcome) throw new Error(`the story itself is wrong: ${outcome.what}`);
  }
  return state;
}

function appended(state: FoldState, draft: PlacedDraft, at = draft.at): Changes | RuleBreach {
  return state.apply({ ...draft, at, sequence: state.lastSequence + 1 });
}

function decided(
  state: FoldState,
  at: number,
  decision: (circumstances: Circumstances) => EventDraft,
) {
  const draft = decision({ state, at, reservationRetentionMs: RETENTION_MS });
  const event: InventoryEvent = { ...draft, at, sequence: state.lastSequence + 1 };
  // Whatever is decided must pass the one rule on the very state that it was decided on.
  expect(state.apply(event)).not.toHaveProperty('breach');
  return {
    event,
    then(
      type: EventType,
      records: Readonly<Record<string, RecordAfter>>,
      reservations: readonly ReservationAfter[] = [],
    ): void {
      expect(event.refusal).toBeUndefined();
      expect(event.type).toBe(type);
      const after = event.lines.map((line) => {
        const { version, onHand, reserved } = line;
        return [stockKey(line), { version, onHand, reserved }];
      });
      expect(Object.fromEntries(after)).toEqual(records);
      expect(event.reservations).toMatchObject(reservations);
      expect(event.reservations).toHaveLength(reservations.length);
    },
    /** Refused, relying on exactly these versions: `{ 'S1/A': 3, r1: 1 }`. */
    thenRefused(refusal: RecordedRefusal, reads?: Readonly<Record<string, number>>): void {
      expect(event.type).toBe('RequestRefused');
      expect(event.refusal).toEqual(refusal);
      if (reads !== undefined) expect(Object.fromEntries(event.reads.map(readOf))).toEqual(reads);
    },
  };
}

function readOf(read: VersionRead): [string, number] {
  return ['sku' in read ? stockKey(read) : read.reservationId, read.version];
}
