import { type Beginning, linked, putBack, takeOut } from './call-list.js';

/**
 * Is a history of concurrent calls linearizable: is there an order of the calls, none of them
 * before its beginning or after its end, in which one after the other leads to what was answered?
 *
 * The search of Wing & Gong ("Testing and Verifying Concurrent Objects", 1993) with the memo of
 * Lowe ("Testing for Linearizability", 2017), on a list of entries as porcupine has it
 * (https://github.com/anishathalye/porcupine). A call that never returned may have happened at any
 * moment after its beginning, or not at all.
 */
export interface Specification<State, Input, Output> {
  readonly initial: State;
  /**
   * The state after this call, where it may be answered so; undefined: it may not. Without an
   * output (nobody heard of it): whatever comes of it. Pure; the same state where nothing changes.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Equal for equal states, and for no others. */
  keyOf(state: State): string;
  /** Whether a call that was answered so changes nothing, whatever the state; shortens the search. */
  changesNothing?(input: Input, output: Output): boolean;
  /** Where each state has a number that no step makes smaller; shortens the search. */
  readonly numbered?: {
    of(state: State): number;
    /** The largest number of a state in which this call may come and be answered so. */
    latest(input: Input, output: Output): number;
  };
}

export interface Call<Input, Output> {
  readonly input: Input;
  /** What was answered; undefined: it never returned. */
  readonly output: Output | undefined;
  /** Where its beginning and its end come in the order of all beginnings and ends. */
  readonly began: number;
  /** Infinity: it never returned. */
  readonly ended: number;
}

export type Verdict<Input, Output> =
  | { readonly kind: 'linearizable' }
  | {
      readonly kind: 'violation';
      /** The longest order that was found, from the first call on. */
      readonly explained: readonly Call<Input, Output>[];
      /** A call that was answered, and has no place behind those. */
      readonly stuck: Call<Input, Output>;
    }
  /** The search was given up: it says nothing. */
  | { readonly kind: 'undecided' };

/** Far more than a history of a few thousand calls takes, unless hundreds never returned. */
const STEPS_MAX = 2_000_000;

export function checkLinearizable<State, Input, Output>(
  specification: Specification<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  stepsMax = STEPS_MAX,
): Verdict<Input, Output> {
  const head = linked(calls);
  const memo = new Memo(calls.length);
  const left = new CallsLeft(specification, calls);
  const placed: Placed<State, Input, Output>[] = [];
  const explained: Call<Input, Output>[] = [];
  /** So many of them are still placed, in that order. */
  let shared = 0;
  let stuck: Call<Input, Output> | undefined;
  let toPlace = calls.filter(({ ended }) => ended < Infinity).length;
  let state = specification.initial;
  let steps = 0;

  /** The state after this call as the next one; undefined: it cannot be, or leads nowhere new. */
  function after({ call, index }: Beginning<Input, Output>): State | undefined {
    const next = specification.step(state, call.input, call.output);
    if (next === undefined || (call.output === undefined && next === state)) return undefined;
    const late = left.tooLateBehind(next, index);
    if (late !== undefined) {
      tell(calls[late]!, [call]);
      return undefined;
    }
    return memo.isNew(index, specification.keyOf(next)) ? next : undefined;
  }

  /** What can come here and changes nothing need not be tried later: it was in nobody's way. */
  function changesNothing({ input, output }: Call<Input, Output>): boolean {
    return output !== undefined && specification.changesNothing?.(input, output) === true;
  }

  /** This call has no place behind what is placed and those; the longest such order is told. */
  function tell(without: Call<Input, Output>, those: readonly Call<Input, Output>[]): void {
    if (stuck !== undefined && placed.length + those.length <= explained.length) return;
    // Only what is new: this is told at every step of a long way.
    explained.length = shared;
    for (let at = shared; at < placed.length; at += 1) explained.push(placed[at]!.beginning.call);
    explained.push(...those);
    shared = placed.length;
    stuck = without;
  }

  /** Takes back what was placed last; undefined: nothing is left. */
  function takeBack(): Placed<State, Input, Output> | undefined {
    const last = placed.pop();
    if (last === undefined) return undefined;
    shared = Math.min(shared, placed.length);
    state = last.before;
    memo.toggle(last.beginning.index);
    left.putBack(last.beginning.index);
    if (last.beginning.end !== undefined) toPlace += 1;
    putBack(last.beginning);
    return last;
  }

  let entry = head.next;
  while (toPlace > 0) {
    steps += 1;
    if (steps > stepsMax) return { kind: 'undecided' };
    if (entry === undefined) throw new Error('a call to place has no end in the list');
    if (entry.kind === 'beginning') {
      const next = after(entry);
      if (next === undefined) {
        entry = entry.next;
        continue;
      }
      placed.push({ beginning: entry, before: state });
      memo.toggle(entry.index);
      left.take(entry.index);
      state = next;
      if (entry.end !== undefined) toPlace -= 1;
      takeOut(entry);
      entry = head.next;
      continue;
    }
    // A call ends that has no place yet: what was placed last has to go elsewhere.
    tell(entry.of.call, []);
    let last = takeBack();
    while (last !== undefined && changesNothing(last.beginning.call)) last = takeBack();
    if (last === undefined) return { kind: 'violation', explained, stuck: stuck ?? entry.of.call };
    entry = last.beginning.next;
  }
  return { kind: 'linearizable' };
}

interface Placed<State, Input, Output> {
  readonly beginning: Beginning<Input, Output>;
  readonly before: State;
}

/** What has no place yet, by the largest number of a state that it may come behind. */
class CallsLeft<State, Input, Output> {
  private readonly latest: Float64Array;
  private readonly byLatest: readonly number[];
  private readonly rankOf: Uint32Array;
  private readonly isLeft: Uint8Array;
  /** No call of a lower rank is left. */
  private lowest = 0;

  constructor(
    private readonly specification: Specification<State, Input, Output>,
    calls: readonly Call<Input, Output>[],
  ) {
    const { numbered } = specification;
    this.latest = Float64Array.from(calls, ({ input, output }) =>
      output === undefined || numbered === undefined ? Infinity : numbered.latest(input, output),
    );
    const { latest } = this;
    this.byLatest = [...calls.keys()].sort((a, b) => Math.sign(latest[a]! - latest[b]!) || a - b);
    this.rankOf = new Uint32Array(calls.length);
    for (const [rank, index] of this.byLatest.entries()) this.rankOf[index] = rank;
    this.isLeft = new Uint8Array(calls.length).fill(1);
  }

  /** One of the others that can have no place behind this state. */
  tooLateBehind(state: State, index: number): number | undefined {
    const { numbered } = this.specification;
    if (numbered === undefined) return undefined;
    const isOther = (other: number) => other !== index && this.isLeft[other] === 1;
    let rank = this.lowest;
    while (rank < this.byLatest.length && !isOther(this.byLatest[rank]!)) rank += 1;
    const first = this.byLatest[rank];
    const isTooLate = first !== undefined && numbered.of(state) > this.latest[first]!;
    return isTooLate ? first : undefined;
  }

  take(index: number): void {
    this.isLeft[index] = 0;
    while (this.lowest < this.byLatest.length && this.isLeft[this.byLatest[this.lowest]!] === 0) {
      this.lowest += 1;
    }
  }

  putBack(index: number): void {
    this.isLeft[index] = 1;
    this.lowest = Math.min(this.lowest, this.rankOf[index]!);
  }
}

/** Which calls are placed, and which sets of them have led to which states before. */
class Memo {
  private readonly placed: Uint32Array;
  /** One number for each call; those of the placed ones, xor-ed, are the hash of the set. */
  private readonly marks: Uint32Array;
  private hash = 0;
  private readonly known = new Map<string, Uint32Array[]>();

  constructor(calls: number) {
    this.placed = new Uint32Array(Math.ceil(calls / 32));
    // Any well-mixed numbers do: equal hashes are compared in full.
    this.marks = Uint32Array.from({ length: calls }, (_, index) =>
      Math.imul((index + 1) ^ 0x9e3779b9, 0x85ebca6b),
    );
  }

  toggle(index: number): void {
    this.placed[index >> 5]! ^= 1 << (index & 31);
    this.hash ^= this.marks[index]!;
  }

  /** Whether what is placed, with this call, has not led to this state before; it has now. */
  isNew(index: number, stateKey: string): boolean {
    this.toggle(index);
    const key = `${this.hash} ${stateKey}`;
    const sets = this.known.get(key);
    const isNew = sets?.some((set) => isSame(set, this.placed)) !== true;
    if (isNew) {
      if (sets === undefined) this.known.set(key, [this.placed.slice()]);
      else sets.push(this.placed.slice());
    }
    this.toggle(index);
    return isNew;
  }
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.every((word, index) => word === b[index]);
}
