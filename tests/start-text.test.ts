import { describe, expect, it } from 'vitest';
import {
  parseStartArguments,
  startFailureText,
  usageText,
  welcomeText,
} from '../src/start-text.js';

describe('the arguments of the server', () => {
  it.each([
    [[], {}],
    [['--workers', '4'], { WORKERS: '4' }],
    [['--workers=x'], { WORKERS: 'x' }],
  ])('%j: it runs', (args, environment) => {
    expect(parseStartArguments(args)).toEqual({ kind: 'run', environment });
  });

  it.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
    [['--help', '--version'], 'help'],
  ])('%j: %s', (args, kind) => {
    expect(parseStartArguments(args)).toEqual({ kind });
  });

  it.each([[['--workers=']], [['--workers']], [['--workers', '-1']]])(
    '%j is no number of workers',
    (args) => {
      expect(parseStartArguments(args)).toMatchObject({
        kind: 'wrong',
        why: expect.stringMatching(/^[^\n]*--workers[^\n]*$/) as string,
      });
    },
  );

  it.each([['--port=80'], ['--what'], ['8080'], ['--help=yes']])(
    '%s is no argument, and settings are elsewhere',
    (argument) => {
      const parsed = parseStartArguments([argument]);
      expect(parsed).toMatchObject({ kind: 'wrong' });
      expect(parsed).toHaveProperty('why', expect.stringMatching(/^[^\n]+ environment variables/));
    },
  );
});

describe('what a person is told', () => {
  it('names every setting with its default', () => {
    const text = usageText([
      { name: 'PORT', default: '3000' },
      { name: 'EMPTY', default: '' },
    ]);
    expect(text).toMatch(/^ {2}PORT +3000$/m);
    expect(text).toMatch(/^ {2}EMPTY$/m);
  });

  it('says where it listens, where the data is, and what was found there', () => {
    const recovery = { records: 1, events: 812, durationMs: 19.4 };
    const started = { version: '1.2.3', url: 'http://h:1', dataDir: '/data', recovery };
    expect(welcomeText(started)).toBe(`distributed-inventory 1.2.3
  API     http://h:1/api   documentation: http://h:1/docs
  data    /data: 812 events, 1 record, recovered in 19 ms
  stop    Ctrl-C
`);
  });

  it.each([
    ['EADDRINUSE', 'listen', 'cannot start: port 80 on h is in use (set PORT)'],
    ['EACCES', 'listen', 'cannot start: cannot listen on port 80 of h (EACCES): set PORT'],
    [
      'ENOTFOUND',
      'getaddrinfo',
      'cannot start: h is not an address of this machine (ENOTFOUND): set HOST',
    ],
    [
      'EROFS',
      'mkdir',
      'cannot start: the data directory /d is not writable: set its owner, or DATA_DIR (x)',
    ],
    [
      'ENOTDIR',
      'mkdir',
      'cannot start: the data directory /d is not a directory: set DATA_DIR (x)',
    ],
    [
      'EIO',
      'read',
      'cannot start: the data directory /d cannot be used: set DATA_DIR, or repair it (x)',
    ],
  ])('%s of %s: %s', (code, syscall, said) => {
    const error = Object.assign(new Error('x'), { code, syscall });
    expect(startFailureText(error, { host: 'h', port: 80, dataDir: '/d' })).toBe(said);
  });

  it('shows all there is of a failure that nobody has thought of', () => {
    const wanted = { host: 'h', port: 80, dataDir: '/d' };
    expect(startFailureText(new Error('a defect'), wanted)).toMatch(/a defect\n +at /);
  });
});
