/**
 * dead-letters.jsonl: every change of every dead letter, one per line, append-only and chained like
 * the log (record-format.ts). It counts as far as the newest line of the journal says
 * (central-format.ts): anything beyond was never committed.
 *
 *   {"change":"opened","at":"…Z","letter":{"id":"a-812","source":"a","sequence":812,…},
 *    "previous":"00000000","crc":"…"}
 *   {"change":"discarded","at":"…Z","letter":{…},"note":{"reason":"…","requestId":"…"},…}
 */
import type { DeadLetter, LetterChange } from '../../../application/central-aggregate.js';
import { parseTime, timeText } from '../../../time-text.js';

type DiskLetter = Omit<DeadLetter, 'firstAttemptAt' | 'lastAttemptAt'> & {
  readonly firstAttemptAt: string;
  readonly lastAttemptAt: string;
};

export interface LetterLine {
  readonly change: LetterChange['kind'];
  readonly at: string;
  readonly letter: DiskLetter;
  readonly note?: LetterChange['note'];
  readonly previous: string;
}

/** The text of a line up to its crc. */
export function changeText({ kind, at, letter, note }: LetterChange, previous: string): string {
  const line: LetterLine = {
    change: kind,
    at: timeText(at),
    letter: {
      ...letter,
      firstAttemptAt: timeText(letter.firstAttemptAt),
      lastAttemptAt: timeText(letter.lastAttemptAt),
    },
    ...(note !== undefined && { note }),
    previous,
  };
  return JSON.stringify(line).slice(0, -1);
}

export function decodeChange({ change, at, letter, note }: LetterLine): LetterChange {
  return {
    kind: change,
    at: parseTime(at),
    letter: {
      ...letter,
      type: letter.type ?? undefined,
      received: letter.received ?? undefined,
      records: letter.records.map((record) => ({ ...record, version: record.version })),
      firstAttemptAt: parseTime(letter.firstAttemptAt),
      lastAttemptAt: parseTime(letter.lastAttemptAt),
    },
    ...(note !== undefined && { note }),
  };
}
