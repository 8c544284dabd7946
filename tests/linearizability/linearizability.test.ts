import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, type Specification, checkLinearizable } from '../support/linearizability.js';
import { randomRun } from '../support/random-run.js';
import { chosenSeed, createSeededRandom } from '../support/seeded-random.js';

/** A register that is written, read, and added to. */
type Input = { readonly op: 'write' | 'add'; readonly value: number } | { readonly op: 'read' };

const register: Specification<number, Input, number> = {
  initial: 0,
  step(state, input, output) {
    const next = after(state, input);
    return output === undefined || output === next ? next : undefined;
  },
  keyOf: String,
  changesNothing: ({ op }) => op === 'read',
};

function after(state: number, input: Input): number {
  if (input.op === 'read') return state;
  return input.op === 'write' ? input.value : state + input.value;
}

type RegisterCall = Call<Input, number>;

/** A register that says with each answer how often it has changed. */
interface Numbered {
  readonly number: number;
  readonly value: number;
}

const numberedRegister: Specification<Numbered, Input, Numbered> = {
  initial: { number: 0, value: 0 },
  step(state, input, output) {
    const next = numberedAfter(state, input);
    if (output === undefined) return next;
    return output.number === next.number && output.value === next.value ? next : undefined;
  },
  keyOf: ({ number, value }) => `${number} ${value}`,
  changesNothing: ({ op }) => op === 'read',
  numbered: {
    of: ({ number }) => number,
    latest: ({ op }, { number }) => (op === 'read' ? number : number - 1),
  },
};

function numberedAfter(state: Numbered, input: Input): Numbered {
  if (input.op === 'read') return state;
  return { number: state.number + 1, value: after(state.value, input) };
}

/** The definition itself: some order of some of the calls, every one that ended among them. */
function isLinearizable<State, Output>(
  specification: Specification<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  state = specification.initial,
): boolean {
  if (calls.every(({ output }) => output === undefined)) return true;
  const firstEnd = Math.min(...calls.map(({ ended }) => ended));
  return calls.some((call, index) => {
    if (call.began > firstEnd) return false;
    const next = specification.step(state, call.input, call.output);
    return next !== undefined && isLinearizable(specification, calls.toSpliced(index, 1), next);
  });
}

const anyInput: fc.Arbitrary<Input> = fc.oneof(
  fc.record({ op: fc.constant('read' as const) }),
  fc.record({ op: fc.constantFrom('write', 'add'), value: fc.integer({ min: 1, max: 2 }) }),
);
const anyCall: fc.Arbitrary<RegisterCall> = fc
  .record({
    input: anyInput,
    output: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 4 }),
    began: fc.double({ min: 0, max: 10, noNaN: true }),
    takes: fc.double({ min: 0.01, max: 8, noNaN: true }),
  })
  .map(({ input, output, began, takes }) => ({
    input,
    output,
    began,
    ended: output === undefined ? Infinity : began + takes,
  }));

interface NumberedDraft {
  readonly input: Input;
  readonly began: number;
  /** When it happens. */
  readonly moment: number;
  readonly ended: number;
  readonly isHeard: boolean;
  /** By how much the answer's number is false. */
  readonly lie: number;
}

const anyNumberedCall: fc.Arbitrary<NumberedDraft> = fc
  .record({
    input: anyInput,
    began: fc.double({ min: 0, max: 10, noNaN: true }),
    until: fc.double({ min: 0.01, max: 4, noNaN: true }),
    rest: fc.double({ min: 0.01, max: 4, noNaN: true }),
    isHeard: fc.boolean(),
    lie: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1)),
  })
  .map(({ input, began, until, rest, isHeard, lie }) => ({
    input,
    began,
    moment: began + until,
    ended: began + until + rest,
    isHeard,
    lie,
  }));

/** Each happens at its moment; what was heard of it may be false. */
function answered(drafts: readonly NumberedDraft[]): Call<Input, Numbered>[] {
  let state = numberedRegister.initial;
  return drafts
    .toSorted((a, b) => a.moment - b.moment)
    .map(({ input, began, ended, isHeard, lie }) => {
      state = numberedAfter(state, input);
      const output = { number: state.number + lie, value: state.value };
      return isHeard
        ? { input, began, ended, output }
        : { input, began, ended: Infinity, output: undefined };
    });
}

describe('the search for a linearization', () => {
  it('says what the definition says, of any small history', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    const run = randomRun('linearizability by definition', 3_000);
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 7 }), (calls) => {
        const { kind } = checkLinearizable(register, calls);
        seen[kind] += 1;
        expect(kind).toBe(isLinearizable(register, calls) ? 'linearizable' : 'violation');
      }),
      run,
    );
    expect(seen.linearizable).toBeGreaterThan(run.numRuns / 10);
    expect(seen.violation).toBeGreaterThan(run.numRuns / 10);
  });

  it('says it where the answers number the states, too', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    const run = randomRun('linearizability of numbered states', 3_000);
    fc.assert(
      fc.property(fc.array(anyNumberedCall, { maxLength: 7 }), (drafts) => {
        const calls = answered(drafts);
        const { kind } = checkLinearizable(numberedRegister, calls);
        seen[kind] += 1;
        expect(kind).toBe(isLinearizable(numberedRegister, calls) ? 'linearizable' : 'violation');
      }),
      run,
    );
    expect(seen.linearizable).toBeGreaterThan(run.numRuns / 10);
    expect(seen.violation).toBeGreaterThan(run.numRuns / 10);
  });

  it('decides a history of which a hundred calls never returned', () => {
    const seed = chosenSeed();
    console.info(`hundred unheard: SEED=${seed}`);
    const random = createSeededRandom(seed);
    const drafts = Array.from({ length: 2_000 }, (_, index): NumberedDraft => {
      const op = random.pick(['read', 'add', 'write'] as const);
      const input: Input = op === 'read' ? { op } : { op, value: random.int(3) };
      const [moment, began] = [index * 10, index * 10 - random.next() * 300];
      const isHeard = !random.chance(0.05);
      return { input, began, moment, ended: moment + random.next() * 300, isHeard, lie: 0 };
    });
    expect(drafts.filter(({ isHeard }) => !isHeard).length).toBeGreaterThan(50);
    expect(checkLinearizable(numberedRegister, answered(drafts))).toEqual({ kind: 'linearizable' });
    const liar = drafts.find(({ isHeard }, index) => isHeard && index >= 1_000);
    const lying = drafts.map((draft) => (draft === liar ? { ...draft, lie: -40 } : draft));
    expect(checkLinearizable(numberedRegister, answered(lying)).kind).toBe('violation');
  });

  it('finds one in a long history with many calls at a time, and none when one answer is false', () => {
    const seed = chosenSeed();
    console.info(`long histories: SEED=${seed}`);
    const calls = longHistory(seed);
    expect(checkLinearizable(register, calls)).toEqual({ kind: 'linearizable' });
    // Of a read that never returned no answer is known that could be false.
    const reads = calls.filter(({ input, output }) => input.op === 'read' && output !== undefined);
    const wrong = reads[Math.floor(reads.length / 2)];
    const falsified = calls.map((call) =>
      call === wrong ? { ...call, output: call.output! + 0.5 } : call,
    );
    expect(checkLinearizable(register, falsified)).toMatchObject({
      stuck: { output: expect.any(Number) },
    });
  });

  it('says so when it gives up', () => {
    const calls = longHistory(1);
    expect(checkLinearizable(register, calls, 10)).toEqual({ kind: 'undecided' });
  });
});

/**
 * What twelve clients of a real register see, each call taking effect somewhere in its time. Five
 * of them are never heard of, no more: each doubles what there is to try where an answer is false.
 */
function longHistory(seed: number): RegisterCall[] {
  const random = createSeededRandom(seed);
  const effects = Array.from({ length: 2_000 }, (_, index) => index * 10);
  let state = 0;
  return effects.map((moment): RegisterCall => {
    const kind = random.int(3);
    const value = random.int(1_000);
    const input: Input = kind === 0 ? { op: 'read' } : { op: kind === 1 ? 'add' : 'write', value };
    state = after(state, input);
    const [began, ended] = [moment - random.next() * 60, moment + random.next() * 60];
    const isUnheard = moment % 4_000 === 2_000;
    return isUnheard
      ? { input, output: undefined, began, ended: Infinity }
      : { input, output: state, began, ended };
  });
}
