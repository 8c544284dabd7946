import { describe, expect, it } from 'vitest';
import { createRecordHistory } from '../support/record-history.js';
import type { RecordAnswer, RecordCall } from '../support/record-specification.js';

const at = (
  version: number,
  onHand: number,
  reserved = 0,
  reservationId?: string,
): RecordAnswer => ({
  kind: 'record',
  version,
  onHand,
  reserved,
  ...(reservationId !== undefined && { reservationId }),
});
const refused = (code: string, version?: number): RecordAnswer => ({
  kind: 'refused',
  code,
  ...(version !== undefined && { version }),
});
const adjust = (delta: number): RecordCall => ({ op: 'adjust', delta });
const reserve = (qty: number): RecordCall => ({ op: 'reserve', qty });
const read: RecordCall = { op: 'read' };
const NOT_LINEARIZABLE = [expect.stringContaining('not linearizable')];

/** A history in which calls follow each other, unless they are held open. */
function story() {
  const history = createRecordHistory();
  return {
    violations: () => history.violations(),
    history,
    begin: (input: RecordCall, key?: string) => history.begin('S1/A', input, key),
    /** A call that ends before anything else begins. */
    told(input: RecordCall, answer: RecordAnswer, key?: string) {
      history.begin('S1/A', input, key).returned(answer);
    },
  };
}

describe('a history that one record can have', () => {
  it('is one call after the other', () => {
    const { told, violations } = story();
    told(read, refused('stock-not-found'));
    told(adjust(5), at(1, 5));
    told(reserve(3), at(2, 5, 3, 'r1'));
    told(reserve(3), refused('insufficient-stock', 2));
    told({ op: 'commit', reservationId: 'r1', qty: 2 }, at(3, 3, 1));
    told({ op: 'release', reservationId: 'r1', qty: 1 }, at(4, 3));
    told({ op: 'release', reservationId: 'r1', qty: 1 }, refused('reservation-not-active'));
    told({ op: 'count', onHand: 9, ifMatch: 4 }, at(5, 9));
    expect(violations()).toEqual([]);
  });

  it('may have the later of two concurrent calls first', () => {
    const { begin, told, violations } = story();
    const slow = begin(adjust(1));
    told(adjust(10), at(1, 10));
    told(read, at(1, 10));
    slow.returned(at(2, 11));
    told(read, at(2, 11));
    expect(violations()).toEqual([]);
  });

  it('may have a call that never returned happen late, or not at all', () => {
    const { begin, told, violations } = story();
    told(adjust(5), at(1, 5));
    begin(reserve(2));
    begin(reserve(100));
    told(read, at(1, 5));
    told(read, at(2, 5, 2));
    begin(adjust(7));
    told(read, at(2, 5, 2));
    expect(violations()).toEqual([]);
  });

  it('takes the attempts of one key for one call', () => {
    const { begin, told, violations, history } = story();
    begin(adjust(5), 'k1');
    told(read, at(1, 5));
    told(adjust(5), at(1, 5), 'k1');
    told(adjust(5), at(1, 5), 'k1');
    expect(violations()).toEqual([]);
    expect(history.counts).toEqual({ calls: 2, refused: 0, unknown: 0 });
  });

  it('has no call that was turned away', () => {
    const { begin, told, violations, history } = story();
    begin(adjust(5)).turnedAway();
    told(read, refused('stock-not-found'));
    expect(violations()).toEqual([]);
    expect(history.counts).toEqual({ calls: 1, refused: 1, unknown: 0 });
  });
});

describe('a history that no record can have', () => {
  it('has a read that does not see what was acknowledged before it', () => {
    const { told, violations } = story();
    told(adjust(5), at(1, 5));
    told(adjust(1), at(2, 6));
    told(read, at(1, 5));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('has two reads of which the later one sees less', () => {
    const { begin, told, violations } = story();
    const slow = begin(adjust(5));
    told(read, at(1, 5));
    told(read, refused('stock-not-found'));
    slow.returned(at(1, 5));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('loses an acknowledged write to another one', () => {
    const { begin, told, violations } = story();
    told(adjust(5), at(1, 5));
    const [one, two] = [begin(adjust(1)), begin(adjust(2))];
    one.returned(at(2, 6));
    two.returned(at(2, 7));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('sells the last unit twice', () => {
    const { begin, told, violations } = story();
    told(adjust(1), at(1, 1));
    const [one, two] = [begin(reserve(1)), begin(reserve(1))];
    one.returned(at(2, 1, 1, 'r1'));
    two.returned(at(3, 1, 2, 'r2'));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('refuses what there was enough for all the time', () => {
    const { told, violations } = story();
    told(adjust(5), at(1, 5));
    told(reserve(2), refused('insufficient-stock', 1));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('names another version with a refusal than there was', () => {
    const { told, violations } = story();
    told(adjust(1), at(1, 1));
    told(reserve(2), refused('insufficient-stock', 2));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('lets the retry of a key take effect again', () => {
    const { begin, told, violations } = story();
    told(adjust(5), at(1, 5));
    begin(reserve(1), 'k1');
    told(read, at(2, 5, 1));
    told(reserve(1), at(3, 5, 2, 'r2'), 'k1');
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('gives one key two answers', () => {
    const { told } = story();
    told(adjust(5), at(1, 5), 'k1');
    expect(() => told(adjust(5), at(2, 10), 'k1')).toThrow('key k1 was answered twice');
  });

  it('shows a call that never returned, and then does not', () => {
    const { begin, told, violations } = story();
    told(adjust(5), at(1, 5));
    begin(adjust(1));
    told(read, at(2, 6));
    told(read, at(1, 5));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('executes what was turned away', () => {
    const { begin, told, violations } = story();
    begin(adjust(5)).turnedAway();
    told(read, at(1, 5));
    expect(violations()).toEqual(NOT_LINEARIZABLE);
  });

  it('is told with what could be explained and what could not', () => {
    const { told, violations } = story();
    told(adjust(5), at(1, 5));
    told(reserve(2), at(2, 5, 2, 'r1'));
    told(read, at(1, 5));
    expect(violations()).toEqual([
      [
        'S1/A: not linearizable; after 0 calls that can be put in order, this can follow:',
        '  [1–2] adjust delta=5 → version 1: 5 on hand, 0 reserved',
        '  [3–4] reserve qty=2 → version 2: 5 on hand, 2 reserved',
        'and then this one has no place:',
        '  [5–6] read → version 1: 5 on hand, 0 reserved',
      ].join('\n'),
    ]);
  });
});
