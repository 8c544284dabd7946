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

/** Milliseconds since the epoch of a text that `timeText` made. */
export function parseTime(text: string): number {
  return Date.parse(text);
}
