import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/import/command-line.js';

describe('the command line of the import', () => {
  it('needs a file, and has defaults for the rest', () => {
    expect(parseCommandLine(['orders.csv'])).toEqual({
      file: 'orders.csv',
      url: 'http://127.0.0.1:3000',
      concurrency: 8,
      retryForMs: 300_000,
    });
  });

  it('takes its options before or behind the file', () => {
    const args = [
      '--url=http://shop:8080/x/',
      'orders.csv',
      '--concurrency',
      '2',
      '--patience',
      '0',
    ];

    expect(parseCommandLine(args)).toMatchObject({
      url: 'http://shop:8080/x',
      concurrency: 2,
      retryForMs: 0,
    });
  });

  it('explains itself', () => {
    expect(parseCommandLine(['--help'])).toBe('help');
  });

  it.each([
    [[], 'name one file'],
    [['a.csv', 'b.csv'], 'name one file'],
    [['a.csv', '--url', 'shop:80'], '--url'],
    [['a.csv', '--url', 'http://'], '--url'],
    [['a.csv', '--url', 'http://me:secret@shop'], 'more than a host and a path'],
    [['a.csv', '--concurrency', '0'], '--concurrency'],
    [['a.csv', '--concurrency', '65'], '--concurrency'],
    [['a.csv', '--patience', '1.5'], '--patience'],
    [['a.csv', '--force'], '--force'],
    [['a.csv', '--url'], '--url'],
  ])('%j is wrong: %s', (args, why) => {
    expect(() => parseCommandLine(args)).toThrow(why);
  });
});
