import { InvariantViolation } from '../assert.js';
import { UnavailableError } from '../domain/errors.js';
import type { Transaction } from '../application/ports.js';
import type { AnsweredRequest, EventDraft, InventoryEvent } from '../domain/events.js';
import type { LayeredState } from './layered-state.js';

/** Room comes when closed reservations are forgotten, after RESERVATION_RETENTION_MS. */
const FULL_RETRY_MS = 60_000;

/**
 * Runs `work` on a state in memory, all or nothing: where it throws, what it had appended is taken
 * back. The caller hands `appended` on to the log; before that, nobody else has seen it.
 */
export function runTransaction<T>(
  state: LayeredState,
  at: number,
  work: (transaction: Transaction) => T,
): { readonly result: T; readonly appended: readonly InventoryEvent[] } {
  const appended: InventoryEvent[] = [];
  const before = state.lastSequence;
  state.published.forgetKeys(at);
  try {
    const result = work(createTransaction(state, at, appended));
    return { result, appended };
  } catch (error) {
    state.takeBack(before);
    throw error;
  }
}

/**
 * A transaction on a state in memory. Nothing can come between its decision and its append, so a
 * draft that breaks the one rule is a defect: it is refused, loudly, before it reaches the log.
 */
function createTransaction(
  state: LayeredState,
  at: number,
  appended: InventoryEvent[],
): Transaction {
  return {
    at,
    state,
    append(draft: EventDraft, request?: AnsweredRequest) {
      if (!state.published.hasRoomFor(draft, at)) {
        throw new UnavailableError('overloaded', FULL_RETRY_MS);
      }
      const event = placed(draft, { sequence: state.lastSequence + 1, at, request });
      const changes = state.append(event);
      if ('breach' in changes) {
        throw new InvariantViolation(`the one rule: ${changes.breach}: ${changes.what}`);
      }
      appended.push(event);
      return event;
    },
  };
}

/** Member by member: all events are of one shape, which is half of what makes the fold fast. */
function placed(
  draft: EventDraft,
  place: Pick<InventoryEvent, 'sequence' | 'at' | 'request'>,
): InventoryEvent {
  return {
    sequence: place.sequence,
    at: place.at,
    type: draft.type,
    lines: draft.lines,
    reads: draft.reads,
    reservations: draft.reservations,
    reason: draft.reason,
    reference: draft.reference,
    refusal: draft.refusal,
    operations: draft.operations,
    request: place.request,
  };
}
