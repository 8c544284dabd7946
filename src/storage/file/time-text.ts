let lastMs = NaN;
let lastText = '';

/** RFC 3339 UTC with milliseconds. Neighbouring records share their millisecond: kept once. */
export function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}

let lastDay = '';
let lastMidnight = NaN;

/**
 * Milliseconds since the epoch of a text that `timeText` made. A start reads a few of them for
 * every event, and nearly all are of the day of the one before.
 */
export function parseTime(text: string): number {
  if (text.length !== '2026-01-01T00:00:00.000Z'.length) return Date.parse(text);
  const day = text.slice(0, 10);
  if (day !== lastDay) {
    lastMidnight = Date.parse(day);
    lastDay = day;
  }
  const [hours, minutes] = [digits(text, 11, 13), digits(text, 14, 16)];
  return (
    lastMidnight +
    ((hours * 60 + minutes) * 60 + digits(text, 17, 19)) * 1_000 +
    digits(text, 20, 23)
  );
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}
