import type { Moment } from '../application/record-history.js';

/** RFC 3339 in UTC, with milliseconds or without: the format of our own answers. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;
const TO_THE_SECOND = '2026-01-01T00:00:00'.length;
const SEQUENCE = /^[1-9]\d{0,15}$/;

/** A sequence or a time; undefined: neither. */
export function parseMoment(text: string): Moment | undefined {
  if (SEQUENCE.test(text)) {
    const sequence = Number(text);
    return Number.isSafeInteger(sequence) ? { sequence } : undefined;
  }
  const time = TIME.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) return undefined;
  // Date.parse takes a day that the month does not have for one of the next month.
  const isReal = new Date(time).toISOString().startsWith(text.slice(0, TO_THE_SECOND));
  return isReal ? { time } : undefined;
}
