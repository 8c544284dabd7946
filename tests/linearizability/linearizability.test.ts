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
};

function after(state: number, input: Input): number {
  if (input.op === 'read') return state;
  return input.op === 'write' ? input.value : state + input.value;
}

type RegisterCall = Call<Input, number>;

/** The definition itself: some order of some of the calls, every one that ended among them. */
function isLinearizable(calls: readonly RegisterCall[], state = register.initial): boolean {
  if (calls.every(({ output }) => output === undefined)) return true;
  const firstEnd = Math.min(...calls.map(({ ended }) => ended));
  return calls.some((call, index) => {
    if (call.began > firstEnd) return false;
    const next = register.step(state, call.input, call.output);
    return next !== undefined && isLinearizable(calls.toSpliced(index, 1), next);
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
    ...{ input, output, began },
    ended: output === undefined ? Infinity : began + takes,
  }));

describe('the search for a linearization', () => {
  it('says what the definition says, of any small history', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    const run = randomRun('linearizability by definition', 3_000);
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 7 }), (calls) => {
        const { kind } = checkLinearizable(register, calls);
        seen[kind] += 1;
        expect(kind).toBe(isLinearizable(calls) ? 'linearizable' : 'violation');
      }),
      run,
    );
    expect(seen.linearizable).toBeGreaterThan(run.numRuns / 10);
    expect(seen.violation).toBeGreaterThan(run.numRuns / 10);
  });

  it('finds one in a long history with many calls at a time, and none when one answer is false', () => {
    const seed = chosenSeed();
    console.info(`long histories: SEED=${seed}`);
    const calls = longHistory(seed);
    expect(checkLinearizable(register, calls)).toEqual({ kind: 'linearizable' });
    const reads = calls.filter(({ input }) => input.op === 'read');
    const wrong = reads[Math.floor(reads.length / 2)];
    const falsified = calls.map((call) =>
      call === wrong ? { ...call, output: (call.output ?? 0) + 0.5 } : call,
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

/** What twelve clients of a real register see, each call taking effect somewhere in its time. */
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
    const unheard = random.chance(0.002);
    return unheard
      ? { input, output: undefined, began, ended: Infinity }
      : { input, output: state, began, ended };
  });
}
