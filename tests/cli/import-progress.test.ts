import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgress } from '../../src/cli/import/progress.js';
import { openProgressFile } from '../../src/cli/import/progress-file.js';
import {
  type ProgressEntry,
  type ProgressHeader,
  encodeLine,
  parseProgress,
} from '../../src/cli/import/progress-log.js';

const HEADER: ProgressHeader = {
  format: 'order-import/1',
  file: 'a'.repeat(64),
  baseline: [['EIRE', 'A', 5, 1]],
};
const SENT: ProgressEntry = { step: '1', at: 'sent', after: 4 };
const RESERVED: ProgressEntry = { step: '1', at: 'reserved', reservationId: 'r', sequence: 5 };
const DONE: ProgressEntry = { step: '1', at: 'done', sequence: 6 };

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'import-progress-'));
  file = path.join(directory, 'orders.csv.progress.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the progress log', () => {
  it('says how far each step came', () => {
    const text = [HEADER, SENT, RESERVED, { ...SENT, step: '2' }].map(encodeLine).join('');
    const { header, states, wholeBytes } = parseProgress(Buffer.from(text));

    expect(header).toEqual(HEADER);
    expect([...states]).toEqual([
      ['1', { at: 'reserved', reservationId: 'r', sequence: 5 }],
      ['2', { at: 'sent', after: 4 }],
    ]);
    expect(wholeBytes).toBe(text.length);
  });

  it('cut off at any byte says what its whole lines say', () => {
    const lines = [HEADER, SENT, RESERVED, DONE].map(encodeLine);
    const bytes = Buffer.from(lines.join(''));
    const ends = lines.map((_, index) => lines.slice(0, index + 1).join('').length);
    for (let length = 0; length <= bytes.length; length += 1) {
      const { header, states, wholeBytes } = parseProgress(bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length;

      expect(wholeBytes).toBe(ends[whole - 1] ?? 0);
      expect(header !== undefined).toBe(whole > 0);
      expect(states.get('1')?.at).toBe([undefined, 'sent', 'reserved', 'done'][whole - 1]);
    }
  });

  it('takes no line that it could not read again', () => {
    const found = { ...DONE, type: 'StockAdjusted' };

    expect(() => encodeLine(found)).toThrow('type');
  });

  it.each([
    ['no header', [SENT], 1],
    ['another format', ['{"format":"order-import/2"}'], 1],
    ['a line that is no JSON', [HEADER, '{"step":'], 2],
    ['a line of unknown members', [HEADER, { ...SENT, extra: 1 }], 2],
    ['an answer to nothing', [HEADER, SENT, { ...DONE, step: '2' }], 3],
    ['a second end', [HEADER, SENT, DONE, DONE], 4],
  ])('with %s is damaged, and says where', (_, lines, lineNumber) => {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));

    expect(() => parseProgress(Buffer.from(`${text.join('\n')}\n`))).toThrow(
      `line ${lineNumber} of its progress file is damaged`,
    );
  });
});

describe('the progress file', () => {
  it('is found as it was left', async () => {
    const first = openProgressFile(file);
    expect(first.found.header).toBeUndefined();
    await first.append([HEADER]);
    await Promise.all([first.append([SENT]), first.append([RESERVED]), first.append([DONE])]);
    await first.close();

    const second = openProgressFile(file);
    expect(second.found.header).toEqual(HEADER);
    expect(second.found.states.get('1')).toEqual({ at: 'done', sequence: 6 });
    await second.close();
  });

  it('drops a torn last line before it writes the next', async () => {
    writeFileSync(file, encodeLine(HEADER) + encodeLine(SENT) + encodeLine(DONE).slice(0, -2));
    const opened = openProgressFile(file);
    expect(opened.found.states.get('1')).toEqual({ at: 'sent', after: 4 });
    await opened.append([DONE]);
    await opened.close();

    expect(readFileSync(file, 'utf8')).toBe([HEADER, SENT, DONE].map(encodeLine).join(''));
  });

  it('belongs to one import at a time', async () => {
    const first = openProgressFile(file);
    expect(() => openProgressFile(file)).toThrow('another import of it is running');
    await first.close();
    await openProgressFile(file).close();
  });

  it('that is damaged is left as it is', () => {
    const text = `${encodeLine(HEADER)}{}\n`;
    appendFileSync(file, text);

    expect(() => openProgressFile(file)).toThrow('line 2');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe('progress', () => {
  it('is told only when it is on disk', async () => {
    let onDisk = () => {};
    const written = new Promise<void>((resolve) => (onDisk = resolve));
    const progress = createProgress(new Map(), () => written);
    const recorded = progress.record(SENT);
    expect(progress.of('1').at).toBe('planned');
    onDisk();
    await recorded;
    expect(progress.of('1').at).toBe('sent');
  });

  it('goes on from what was found, and knows the highest sequence and how many have ended', async () => {
    const found = new Map([['0', { at: 'done', sequence: 9 } as const]]);
    const progress = createProgress(found, () => Promise.resolve());
    expect(progress).toMatchObject({ lastSequence: 9, settledCount: 1 });
    await progress.record(SENT);
    await progress.record({ step: '1', at: 'refused', code: 'stock-not-found', detail: '' });
    expect(progress).toMatchObject({ lastSequence: 9, settledCount: 2 });
  });

  it('never goes back', async () => {
    const progress = createProgress(new Map(), () => Promise.resolve());
    await expect(progress.record(DONE)).rejects.toThrow('1 cannot become done');
  });
});
