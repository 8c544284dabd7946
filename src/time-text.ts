/**
 * RFC 3339 UTC with milliseconds, as `Date` writes and reads it, but several times faster: every
 * event has a few times, on a few different days, and the text of a day is cached.
 */
const DAY_MS = 86_400_000;
/** Times of several days alternate: those of events, expiries and keys. */
const DAYS_KEPT = 8;
const TEXT_LENGTH = '2026-01-01T00:00:00.000Z'.length;

const dayTexts = new Array<string>(DAYS_KEPT).fill('');
const dayNumbers = new Array<number>(DAYS_KEPT).fill(NaN);

/**
 * An event's time is written many times, into its line and its answer, alternating with the end of
 * its key and its expiry. A prime, so that no usual interval maps two of them to the same slot.
 */
const TEXTS_KEPT = 61;

const keptTexts = new Array<string>(TEXTS_KEPT).fill('');
const keptTimes = new Array<number>(TEXTS_KEPT).fill(NaN);

export function timeText(ms: number): string {
  const slot = Math.abs(ms % TEXTS_KEPT);
  if (keptTimes[slot] !== ms) {
    keptTexts[slot] = textOf(ms);
    keptTimes[slot] = ms;
  }
  return keptTexts[slot] ?? '';
}

function textOf(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  const slot = ((day % DAYS_KEPT) + DAYS_KEPT) % DAYS_KEPT;
  if (dayNumbers[slot] !== day) {
    const text = new Date(ms).toISOString();
    dayTexts[slot] = text.slice(0, text.indexOf('T') + 1);
    dayNumbers[slot] = day;
  }
  const inDay = ms - day * DAY_MS;
  const seconds = Math.floor(inDay / 1_000);
  const minutes = Math.floor(seconds / 60);
  const clock = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${dayTexts[slot] ?? ''}${clock}.${String(inDay % 1_000).padStart(3, '0')}Z`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

let lastDay = '';
let lastMidnight = NaN;

/** Milliseconds since the epoch for a text made by `timeText`. */
export function parseTime(text: string): number {
  if (text.length !== TEXT_LENGTH) return Date.parse(text);
  const day = text.slice(0, 10);
  if (day !== lastDay) {
    lastMidnight = Date.parse(day);
    lastDay = day;
  }
  const minutes = digits(text, 11, 13) * 60 + digits(text, 14, 16);
  const seconds = minutes * 60 + digits(text, 17, 19);
  return lastMidnight + seconds * 1_000 + digits(text, 20, 23);
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}
