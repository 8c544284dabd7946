import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  type Image,
  damagesOf,
  imageOf,
  segmentsOf,
  withFiles,
} from '../storage/file/data-images.js';
import { BUSY_POLICY, ROOT } from '../storage/file/faulty-storage.js';
import { runCommand as run } from '../support/run-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** The files of an image in a real directory. */
function realDirectory(image: Image): string {
  const directory = temporaryDirectory();
  for (const [path, bytes] of image) {
    const real = path.replace(ROOT, directory);
    mkdirSync(dirname(real), { recursive: true });
    writeFileSync(real, bytes);
  }
  return directory;
}

describe('npm run verify', () => {
  it('says that all holds, and what all is', async () => {
    const directory = realDirectory(
      await imageOf({ events: 40, policy: BUSY_POLICY, clean: true }),
    );
    const { code, stdout, stderr } = await run('verify', directory);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^events +40$/m);
    expect(stdout).toMatch(/^units on hand +40$/m);
    expect(stdout).toMatch(/^live idempotency keys +40$/m);
    expect(stdout).toMatch(/^last stop +clean$/m);
    expect(stdout).toMatch(/^snapshots +\d+\.jsonl equal, \d+\.jsonl equal$/m);
    expect(stdout).toMatch(/^all holds$/m);
  });

  it('names file, line and sequence of damage, in one line, and ends with 1', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const [first] = segmentsOf(image);
    const damaged = damagesOf(2)[0]!.on(image.get(first!)!);
    const directory = realDirectory(withFiles(image, { [first!]: damaged }));
    const { code, stdout, stderr } = await run('verify', directory);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^damaged: .*000000000001\.jsonl, line 3 \(sequence 2\): [^\n]+\n$/);
  });

  it('ends with 1 where a snapshot is not what the log says', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const snapshot = [...image.keys()].find((path) => path.includes('/snapshots/'))!;
    const directory = realDirectory(withFiles(image, { [snapshot]: Buffer.from('rot\n') }));
    const { code, stdout, stderr } = await run('verify', directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^difference: \d+\.jsonl: cannot be used: /);
    expect(stdout).toMatch(/^NOT all holds$/m);
  });

  it('ends with 1 where there is no data, and with 2 where it is used wrongly', async () => {
    expect(await run('verify', temporaryDirectory())).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('has no MANIFEST.json') as string,
    });
    for (const [why, ...wrong] of [
      ['name one data directory'],
      ['name one data directory', 'one', 'two'],
      ["Unknown option '--what'", '--what'],
    ]) {
      const { code, stdout, stderr } = await run('verify', ...wrong);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr.startsWith(why!)).toBe(true);
      expect(stderr).toContain('\nUsage: npm run verify -- DATA_DIR\n');
    }
    const { code, stdout } = await run('verify', '--help');
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'Usage: npm run verify -- DATA_DIR']);
  });
});

describe('npm run log', () => {
  it('prints the events as they stand in the log', async () => {
    const directory = realDirectory(await imageOf({ events: 40, policy: BUSY_POLICY }));
    const whole = readdirSync(`${directory}/events`)
      .sort()
      .map((name) => readFileSync(`${directory}/events/${name}`, 'utf8'))
      .join('');
    const lines = whole.split('\n').filter((line) => line.startsWith('{"sequence"'));
    expect(lines).toHaveLength(40);
    const { code, stdout, stderr } = await run('log', directory);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(lines.map((line) => `${line}\n`).join(''));
  });

  it('begins behind a sequence, and picks one SKU', async () => {
    const directory = realDirectory(await imageOf({ events: 40, policy: BUSY_POLICY }));
    const printed = async (...args: string[]) => {
      const { stdout } = await run('log', directory, ...args);
      const lines = stdout.split('\n').filter((line) => line !== '');
      return lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    };
    expect(await printed('--after', '37')).toEqual([38, 39, 40]);
    expect(await printed('--after', '40')).toEqual([]);
    expect(await printed('--after', '30', '--sku', 'A')).toEqual([33, 36, 39]);
    expect(await printed('--sku', 'none')).toEqual([]);
  });

  it('leaves out a torn tail, and stops loudly at a damaged line before the end', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const segments = segmentsOf(image);
    const last = segments.at(-1)!;
    const torn = Buffer.concat([image.get(last)!, Buffer.from('{"sequence":41')]);
    const ended = await run('log', realDirectory(withFiles(image, { [last]: torn })));
    expect([ended.code, ended.stdout.split('\n').length]).toEqual([0, 41]);

    const first = damagesOf(2)[0]!.on(image.get(segments[0]!)!);
    const damaged = await run('log', realDirectory(withFiles(image, { [segments[0]!]: first })));
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/000000000001\.jsonl, line 3: is damaged/);
    expect(damaged.stdout.split('\n')).toHaveLength(2);

    // A segment that is gone is no gap to be passed over.
    const holed = new Map([...image].filter(([path]) => path !== segments[2]));
    const gone = await run('log', realDirectory(holed));
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('what is before it is missing');
    const later = Number(segments[3]!.match(/(\d+)\.jsonl/)![1]);
    expect((await run('log', realDirectory(holed), '--after', `${later}`)).code).toBe(0);

    // A backup has no watermark: its manifest says how far the log must go.
    const noMark = new Map([...image].filter(([path]) => !path.endsWith('watermark')));
    const firstOfLast = damagesOf(2)[0]!.on(image.get(segments.at(-2)!)!);
    const backup = withFiles(noMark, { [segments.at(-2)!]: firstOfLast });
    expect((await run('log', realDirectory(backup))).code).toBe(1);

    // Whole lines that are missing at the end are no end of the log either.
    const end = image.get(last)!;
    const short = end.subarray(0, end.lastIndexOf('\n', -2) + 1);
    const cutShort = await run('log', realDirectory(withFiles(image, { [last]: short })));
    expect(cutShort.code).toBe(1);
    expect(cutShort.stderr).toContain('and had events up to 40');
    const none = [...image].filter(([path]) => !segments.includes(path));
    expect((await run('log', realDirectory(new Map(none)))).code).toBe(1);

    // The last segment, too, holds what was acknowledged: to where the watermark is.
    const whole = image.get(last)!;
    const cut = Buffer.concat([
      whole.subarray(0, whole.lastIndexOf('\n', -2) + 1),
      Buffer.from('x\n'),
    ]);
    const lost = await run('log', realDirectory(withFiles(image, { [last]: cut })));
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/is damaged/);
  });

  it('does not mind a reader that has seen enough', async () => {
    const directory = realDirectory(await imageOf({ events: 400 }));
    const child = spawn(
      'bash',
      ['-o', 'pipefail', '-c', `node scripts/run.mjs log ${directory} | head -1`],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\{"sequence":1,.*\}\n$/);
  });

  it('ends with 1 where what it prints finds no room', async () => {
    const directory = realDirectory(await imageOf({ events: 40 }));
    const child = spawn('bash', ['-c', `node scripts/run.mjs log ${directory} > /dev/full`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(stderr).toContain('the events cannot be written');
    expect(code).toBe(1);
  });

  it('ends with 1 where there is no log, and with 2 where it is used wrongly', async () => {
    const { code, stderr } = await run('log', `${temporaryDirectory()}/none`);
    expect([code, stderr.split('\n').length]).toEqual([1, 2]);
    for (const wrong of [[], ['dir', '--after', 'x'], ['dir', '--after', '-1'], ['a', 'b']]) {
      expect((await run('log', ...wrong)).code).toBe(2);
    }
    expect((await run('log', '--help')).code).toBe(0);
  });
});
