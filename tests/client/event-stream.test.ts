import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFrameParser } from '../../src/client/event-stream.js';
import { randomRun } from '../support/random-run.js';

const FRAMES = [
  { id: '1', data: '{"a":"ü€\\n"}' },
  { id: undefined, data: 'one\ntwo' },
  { id: '3', data: '' },
];
const TEXT = (end: string) =>
  [
    ...['retry: 1000', '', 'id: 1', 'data: {"a":"ü€\\n"}', '', ':', ''],
    ...['event: other', 'data:one', 'data: two', '', 'data: ', 'id:3', '', 'id: 4', 'data: half'],
  ].join(end);

it('finds the same events wherever the text is cut, whatever ends its lines', () => {
  const cuts = fc.array(fc.nat(TEXT('\r\n').length));
  const ends = fc.constantFrom('\n', '\r\n', '\r');
  const property = fc.property(ends, cuts, (end, places) => {
    const parse = createFrameParser();
    const text = TEXT(end);
    const sorted = [0, ...places.sort((a, b) => a - b), text.length];
    const parts = sorted.map((place, index) => text.slice(place, sorted[index + 1]));
    expect(parts.flatMap((part) => parse(part))).toEqual(FRAMES);
  });
  fc.assert(property, randomRun('frames cut anywhere', 300));
});
