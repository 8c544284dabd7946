import { isDeepStrictEqual } from 'node:util';
import { type Call, type Verdict, checkLinearizable } from './linearizability.js';
import { type RecordAnswer, type RecordCall, recordSpecification } from './record-specification.js';

/** One attempt of a client. Of one that neither returns nor is turned away, nothing is known. */
export interface Attempt {
  returned(answer: RecordAnswer): void;
  /** The service says that it has not happened: 429, 503. */
  turnedAway(): void;
}

/**
 * What concurrent clients of this process asked and were told, record by record. Beginnings and
 * ends are numbered as they happen here; those of several processes have no common order.
 */
export interface RecordHistory {
  /** Attempts with one key are one call: from the first that may have happened to the answer. */
  begin(record: string, input: RecordCall, key?: string): Attempt;
  /** How many calls, how many of them refused, and how many nobody ever heard of again. */
  readonly counts: {
    readonly calls: number;
    readonly refused: number;
    readonly unknown: number;
  };
  /** The records whose history has no explanation; none: all are linearizable. */
  violations(): readonly string[];
}

interface Recorded extends Call<RecordCall, RecordAnswer> {
  output: RecordAnswer | undefined;
  began: number;
  ended: number;
  /** Attempts of which the service did not say that they have not happened. */
  attempts: number;
}

export function createRecordHistory(): RecordHistory {
  const byRecord = new Map<string, Recorded[]>();
  const byKey = new Map<string, Recorded>();
  let moment = 0;

  function newCall(record: string, input: RecordCall): Recorded {
    const call = { input, output: undefined, began: moment, ended: Infinity, attempts: 0 };
    const calls = byRecord.get(record);
    if (calls === undefined) byRecord.set(record, [call]);
    else calls.push(call);
    return call;
  }

  const happened = (calls: readonly Recorded[]) => calls.filter(({ attempts }) => attempts > 0);

  return {
    begin(record, input, key) {
      moment += 1;
      const call = (key === undefined ? undefined : byKey.get(key)) ?? newCall(record, input);
      if (key !== undefined) byKey.set(key, call);
      // What was turned away has not happened: the call begins with the attempt that may have.
      if (call.attempts === 0) call.began = moment;
      call.attempts += 1;
      return {
        returned(answer) {
          moment += 1;
          if (call.output === undefined) {
            call.output = answer;
            call.ended = moment;
          } else if (!isDeepStrictEqual(call.output, answer)) {
            const two = `${describeAnswer(call.output)}, then ${describeAnswer(answer)}`;
            throw new Error(`${record}: key ${key ?? '(none)'} was answered twice: ${two}`);
          }
        },
        turnedAway() {
          call.attempts -= 1;
        },
      };
    },
    get counts() {
      const calls = happened([...byRecord.values()].flat());
      return {
        calls: calls.length,
        refused: calls.filter(({ output }) => output?.kind === 'refused').length,
        unknown: calls.filter(({ output }) => output === undefined).length,
      };
    },
    violations() {
      return [...byRecord].flatMap(([record, calls]) => {
        const verdict = checkLinearizable(recordSpecification, happened(calls));
        return verdict.kind === 'linearizable' ? [] : [`${record}: ${describe(verdict)}`];
      });
    },
  };
}

/** How much of what could be explained is told. */
const TOLD_MAX = 8;

function describe(verdict: Verdict<RecordCall, RecordAnswer>): string {
  if (verdict.kind !== 'violation') return verdict.kind;
  const { explained, stuck } = verdict;
  const told = explained.slice(-TOLD_MAX).map(describeCall);
  const left = explained.length - told.length;
  return [
    `not linearizable; after ${left} calls that can be put in order, this can follow:`,
    ...told.map((line) => `  ${line}`),
    `and then this one has no place:`,
    `  ${describeCall(stuck)}`,
  ].join('\n');
}

function describeCall({ input, output, began, ended }: Call<RecordCall, RecordAnswer>): string {
  const { op, ...members } = input;
  const asked = Object.entries(members).map(([name, value]) => `${name}=${value}`);
  const told = output === undefined ? 'never returned' : describeAnswer(output);
  return `[${began}–${ended}] ${[op, ...asked].join(' ')} → ${told}`;
}

function describeAnswer(answer: RecordAnswer): string {
  if (answer.kind === 'refused') return `${answer.code} (version ${answer.version ?? 'not told'})`;
  const { onHand, reserved, version } = answer;
  return `version ${version}: ${onHand} on hand, ${reserved} reserved`;
}
