import { describe, expect, it } from 'vitest';
import {
  type ControlKind,
  FIRST_PREVIOUS,
  controlText,
  crcText,
  lineEnd,
} from '../../../../src/storage/file/format/record-format.js';
import { highestDurable, scanSegment } from '../../../../src/storage/file/format/segment-scan.js';

interface Line {
  readonly kind: ControlKind;
  readonly epoch: number;
  readonly durable?: number;
}

/** A segment that begins the log; each line continues the one before. */
function segmentOf(...lines: readonly Line[]): { readonly bytes: Buffer; readonly crcs: string[] } {
  let previous = FIRST_PREVIOUS;
  const crcs: string[] = [];
  const parts = lines.map(({ kind, epoch, durable = 0 }) => {
    const text = controlText(kind, { epoch, durable, previous }, '2026-01-01T00:00:00.000Z');
    previous = crcText(Buffer.from(text));
    crcs.push(previous);
    return Buffer.from(text + lineEnd(previous));
  });
  return { bytes: Buffer.concat(parts), crcs };
}

const scan = (bytes: Buffer) =>
  scanSegment(bytes, { first: 1, previous: FIRST_PREVIOUS }, () => undefined);

describe('the scan of a segment', () => {
  it('says what its lines know: the last epoch, how far the log is durable, whether it is sealed', () => {
    const { bytes, crcs } = segmentOf(
      { kind: 'boot', epoch: 2, durable: 7 },
      { kind: 'boot', epoch: 5, durable: 4 },
      { kind: 'sealed', epoch: 5, durable: 9 },
    );

    expect(scan(bytes)).toEqual({
      lastCrc: crcs[2],
      last: 0,
      epoch: 5,
      durable: 9,
      sealed: true,
      goodBytes: bytes.length,
      broken: undefined,
    });
  });

  it('takes nothing behind a seal, however right it is', () => {
    const sealed = segmentOf({ kind: 'boot', epoch: 1 }, { kind: 'sealed', epoch: 1 });
    const { bytes } = segmentOf(
      { kind: 'boot', epoch: 1 },
      { kind: 'sealed', epoch: 1 },
      { kind: 'boot', epoch: 2, durable: 3 },
    );

    expect(scan(bytes)).toMatchObject({
      sealed: true,
      epoch: 1,
      durable: 0,
      goodBytes: sealed.bytes.length,
      broken: { line: 3, offset: sealed.bytes.length, what: 'follows the seal of the segment' },
    });
  });

  it('takes nothing of a line without its newline', () => {
    const { bytes } = segmentOf({ kind: 'boot', epoch: 1 }, { kind: 'boot', epoch: 2 });

    expect(scan(bytes.subarray(0, -1))).toMatchObject({
      epoch: 1,
      broken: { line: 2, what: 'is not a whole line' },
    });
  });
});

describe('what lies behind damage', () => {
  it('is searched for the highest promise that a whole line makes, wherever that begins', () => {
    const { bytes } = segmentOf(
      { kind: 'boot', epoch: 1, durable: 40 },
      { kind: 'boot', epoch: 1, durable: 30 },
      { kind: 'boot', epoch: 1, durable: 99 },
    );
    const damaged = Buffer.concat([Buffer.from('{"sequence":7,"ep'), bytes]);
    damaged[damaged.length - 30]! ^= 1; // in the third: it promises nothing

    expect(highestDurable(damaged)).toBe(40);
    expect(highestDurable(damaged.subarray(0, 60))).toBe(0);
  });
});
