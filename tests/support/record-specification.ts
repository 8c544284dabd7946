import type { Specification } from './linearizability.js';

/** What a client asks of one stock record. */
export type RecordCall =
  | { readonly op: 'read' }
  | { readonly op: 'adjust'; readonly delta: number; readonly expectedVersion?: number }
  | { readonly op: 'count'; readonly onHand: number; readonly ifMatch: number }
  | { readonly op: 'reserve'; readonly qty: number }
  | { readonly op: 'release' | 'commit'; readonly reservationId: string; readonly qty: number };

/** What it is told. */
export type RecordAnswer =
  | {
      readonly kind: 'record';
      readonly onHand: number;
      readonly reserved: number;
      readonly version: number;
      /** Of the hold that a reserve made. */
      readonly reservationId?: string;
    }
  | { readonly kind: 'refused'; readonly code: string; readonly version?: number };

/** One record as it is after some calls, one after the other. `version` 0: it is not there. */
export interface RecordState {
  readonly version: number;
  readonly onHand: number;
  readonly reserved: number;
  /** Units held under the ids that clients know. */
  readonly holds: ReadonlyMap<string, number>;
}

const NOTHING: RecordState = { version: 0, onHand: 0, reserved: 0, holds: new Map() };

/** One stock record without expiries, written from the contract. */
export const recordSpecification: Specification<RecordState, RecordCall, RecordAnswer> = {
  initial: NOTHING,
  step(state, call, answer) {
    const next = applied(state, call, answer);
    if (typeof next === 'string') {
      return answer === undefined || isRefusal(answer, next, state) ? state : undefined;
    }
    return answer === undefined || isRecord(answer, next) ? next : undefined;
  },
  changesNothing: ({ op }, { kind }) => op === 'read' || kind === 'refused',
  numbered: {
    of: ({ version }) => version,
    latest({ op }, { kind, version }) {
      if (version === undefined) return Infinity;
      return kind === 'record' && op !== 'read' ? version - 1 : version;
    },
  },
  keyOf({ version, onHand, reserved, holds }) {
    const held = [...holds].map(([id, qty]) => `${id}:${qty}`).sort();
    return `${version} ${onHand} ${reserved} ${held.join()}`;
  },
};

/** The next state, or the code of the refusal. */
function applied(
  state: RecordState,
  call: RecordCall,
  answer: RecordAnswer | undefined,
): RecordState | string {
  const { version, onHand, reserved, holds } = state;
  const unknown = version === 0;
  switch (call.op) {
    case 'read':
      return unknown ? 'stock-not-found' : state;
    case 'adjust':
      if (unknown && call.delta < 0) return 'stock-not-found';
      if (call.expectedVersion !== undefined && call.expectedVersion !== version) {
        return 'version-conflict';
      }
      if (onHand - reserved + call.delta < 0) return 'insufficient-stock';
      return { ...state, version: version + 1, onHand: onHand + call.delta };
    case 'count':
      if (call.ifMatch !== version) return 'precondition-failed';
      if (call.onHand < reserved) return 'below-reserved';
      return { ...state, version: version + 1, onHand: call.onHand };
    case 'reserve': {
      if (unknown) return 'stock-not-found';
      if (onHand - reserved < call.qty) return 'insufficient-stock';
      const id = answer?.kind === 'record' ? answer.reservationId : undefined;
      return {
        version: version + 1,
        onHand,
        reserved: reserved + call.qty,
        // Nobody can name the hold of a reserve that was never heard of again.
        holds: id === undefined ? holds : new Map(holds).set(id, call.qty),
      };
    }
    case 'release':
    case 'commit': {
      const held = holds.get(call.reservationId);
      if (held === undefined) return 'reservation-not-active';
      if (call.qty > held) return 'reservation-exceeded';
      const rest = new Map(holds);
      if (call.qty === held) rest.delete(call.reservationId);
      else rest.set(call.reservationId, held - call.qty);
      const sold = call.op === 'commit' ? call.qty : 0;
      return {
        version: version + 1,
        onHand: onHand - sold,
        reserved: reserved - call.qty,
        holds: rest,
      };
    }
  }
}

function isRecord(answer: RecordAnswer, state: RecordState): boolean {
  return (
    answer.kind === 'record' &&
    answer.version === state.version &&
    answer.onHand === state.onHand &&
    answer.reserved === state.reserved
  );
}

/** A refusal that names a version was made on that one. */
function isRefusal(answer: RecordAnswer, code: string, state: RecordState): boolean {
  return (
    answer.kind === 'refused' &&
    answer.code === code &&
    (answer.version === undefined || answer.version === state.version)
  );
}
