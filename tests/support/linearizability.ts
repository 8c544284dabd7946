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
      /** A call that ended without having a place behind those. */
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
  const placed: { readonly beginning: Beginning<Input, Output>; readonly before: State }[] = [];
  let explained: readonly Call<Input, Output>[] = [];
  let stuck: Call<Input, Output> | undefined;
  let toPlace = calls.filter(({ ended }) => ended < Infinity).length;
  let state = specification.initial;
  let steps = 0;

  /** The state after this call as the next one; undefined: it cannot be, or leads nowhere new. */
  function after({ call, index }: Beginning<Input, Output>): State | undefined {
    const next = specification.step(state, call.input, call.output);
    if (next === undefined || (call.output === undefined && next === state)) return undefined;
    return memo.isNew(index, specification.keyOf(next)) ? next : undefined;
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
      state = next;
      if (entry.end !== undefined) toPlace -= 1;
      takeOut(entry);
      entry = head.next;
      continue;
    }
    // A call ends that has no place yet: what was placed last has to go elsewhere.
    if (stuck === undefined || placed.length > explained.length) {
      explained = placed.map(({ beginning }) => beginning.call);
      stuck = entry.of.call;
    }
    const last = placed.pop();
    if (last === undefined) return { kind: 'violation', explained, stuck };
    const { beginning, before } = last;
    state = before;
    memo.toggle(beginning.index);
    if (beginning.end !== undefined) toPlace += 1;
    putBack(beginning);
    entry = beginning.next;
  }
  return { kind: 'linearizable' };
}

interface Linked<Input, Output> {
  next: Entry<Input, Output> | undefined;
  previous: Linked<Input, Output> | undefined;
}

interface Beginning<Input, Output> extends Linked<Input, Output> {
  readonly kind: 'beginning';
  readonly call: Call<Input, Output>;
  readonly index: number;
  end: End<Input, Output> | undefined;
}

interface End<Input, Output> extends Linked<Input, Output> {
  readonly kind: 'end';
  readonly of: Beginning<Input, Output>;
}

type Entry<Input, Output> = Beginning<Input, Output> | End<Input, Output>;

/** All beginnings and ends in their order, behind a head that is neither. */
function linked<Input, Output>(calls: readonly Call<Input, Output>[]): Linked<Input, Output> {
  const entries: { readonly at: number; readonly entry: Entry<Input, Output> }[] = [];
  for (const [index, call] of calls.entries()) {
    const unlinked = { next: undefined, previous: undefined };
    const beginning: Beginning<Input, Output> = {
      ...{ kind: 'beginning', call, index, end: undefined },
      ...unlinked,
    };
    entries.push({ at: call.began, entry: beginning });
    if (call.ended === Infinity) continue;
    beginning.end = { kind: 'end', of: beginning, ...unlinked };
    entries.push({ at: call.ended, entry: beginning.end });
  }
  entries.sort((a, b) => a.at - b.at);
  const head: Linked<Input, Output> = { next: undefined, previous: undefined };
  let last = head;
  for (const { entry } of entries) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

function takeOut<Input, Output>(beginning: Beginning<Input, Output>): void {
  unlink(beginning);
  if (beginning.end !== undefined) unlink(beginning.end);
}

/** The reverse of `takeOut`: each entry still knows between which two it was. */
function putBack<Input, Output>(beginning: Beginning<Input, Output>): void {
  if (beginning.end !== undefined) relink(beginning.end);
  relink(beginning);
}

function unlink<Input, Output>(entry: Entry<Input, Output>): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink<Input, Output>(entry: Entry<Input, Output>): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
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
