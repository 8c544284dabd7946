import { expect, it } from 'vitest';
import { parseMoment } from '../../src/http/moment.js';

it.each([
  ['7', { sequence: 7 }],
  ['2026-02-28T23:59:59Z', { time: Date.UTC(2026, 1, 28, 23, 59, 59) }],
  ['2028-02-29T00:00:00.5Z', { time: Date.UTC(2028, 1, 29, 0, 0, 0, 500) }],
])('%s is a moment', (text, moment) => {
  expect(parseMoment(text)).toEqual(moment);
});

it.each([
  ...['2026-02-29T00:00:00Z', '2026-02-31T00:00:00Z', '2026-06-31T12:00:00.000Z'],
  ...['2026-01-01T24:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T00:60:00Z'],
  ...['2026-01-01', '0', '-1', '1.5', '9007199254740992', ''],
])('%s is none', (text) => {
  expect(parseMoment(text)).toBeUndefined();
});
