import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.js';
import {
  cleanUp,
  spawnProcess,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

function runServer(...args: string[]) {
  const options = { encoding: 'utf8', timeout: 60_000 } as const;
  return spawnSync(process.execPath, ['dist/main.js', ...args], options);
}

describe('the first minute with the server', () => {
  afterEach(cleanUp);

  it('--help names every setting with its default, and starts nothing', () => {
    const { status, stdout, stderr } = runServer('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: npm start/);
    expect(stdout).toMatch(/^ {2}PORT +3000$/m);
    expect(stdout).toMatch(/^ {2}DATA_DIR +data\/inventory$/m);
  });

  it('--version is the version', () => {
    const { status, stdout } = runServer('--version');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/)]);
  });

  it('an argument that it does not know is one line, not a server that ignores it', () => {
    const { status, stdout, stderr } = runServer('--port', '8080');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[^\n]*--port[^\n]*environment variables, see --help\n$/);
  });

  it('the log says where it listens, where data is, what it found, and where to read on', async () => {
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir });
    await createStockClient(first.url).adjust('S1', 'A', 3);
    first.signal('SIGTERM');
    await first.ended;
    const { url, output } = await spawnServer({ dataDir });
    const lines = output().trim().split('\n');
    const [recovered, listening] = lines.map((line) => JSON.parse(line) as object);
    const figures = { events: 1, records: 1, durationMs: expect.any(Number) as number, dataDir };
    expect(recovered).toMatchObject({ msg: 'recovered', ...figures });
    expect(listening).toMatchObject({ msg: 'listening', url, docs: `${url}/docs`, dataDir });
  });

  it.skipIf(!existsSync('/usr/bin/script') || process.platform !== 'linux')(
    'on a terminal it says the same in plain words',
    async () => {
      const dataDir = temporaryDirectory();
      const server = 'node dist/main.js & server=$!; read line; kill $server; wait $server';
      const terminal = spawn('script', ['-qec', server, '/dev/null'], {
        env: { ...process.env, SHELL: '/bin/sh', PORT: '0', DATA_DIR: dataDir },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let shown = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        if (text.includes('Ctrl-C')) terminal.stdin.end('\n');
      });
      const code = await new Promise((resolve) => terminal.once('close', resolve));
      expect([code, shown]).toEqual([0, expect.stringContaining('"msg":"stopped"')]);
      expect(shown).toMatch(/^ {2}API {5}(http:\S+)\/api {3}documentation: \1\/docs\r$/m);
      expect(shown).toContain(`${dataDir}: 0 events, 0 records, recovered in `);
    },
  );
});

describe('a data directory that cannot be used', () => {
  afterEach(cleanUp);

  it.each([
    ['a file', (path: string) => path],
    ['below a file', (path: string) => `${path}/data`],
  ])('because it is %s is one line, and exit 1', async (_, dataDirOf) => {
    const file = `${temporaryDirectory()}/file`;
    writeFileSync(file, '');
    const dataDir = dataDirOf(file);

    const server = spawnProcess({ dataDir });

    expect(await server.ended).toBe(1);
    expect(server.output()).toMatch(/is not a directory: set DATA_DIR/);
    expect(server.output()).toContain(dataDir);
    expect(server.output().trim().split('\n')).toHaveLength(1);
  });

  it.skipIf(process.getuid?.() === 0 && !isOpenToAll(process.cwd()))(
    'because it belongs to somebody else is one line, and exit 1',
    () => {
      const uid = process.getuid?.() === 0 ? { uid: 65_534 } : {};
      const env = { PATH: process.env['PATH'], DATA_DIR: '/inventory-of-nobody', PORT: '0' };
      const options = { encoding: 'utf8', timeout: 60_000, env, ...uid } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js'], options);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^[^\n]*\/inventory-of-nobody is not writable[^\n]*\n$/);
    },
  );
});

/** Whether another user could run what is here. */
function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o5) === 0o5;
  return isOpen && (path === '/' || isOpenToAll(dirname(path)));
}

describe('each command', () => {
  const names = readdirSync('src/cli').filter((name) => name.endsWith('.ts'));

  it.each(names.map((name) => name.slice(0, -'.ts'.length)))(
    '%s says with --help how it is used, and with an unknown option, too',
    async (name) => {
      const help = await runCommand(name, '--help');
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`^usage: npm run ${name} -- `, 'i'));
      const wrong = await runCommand(name, '--what');
      expect([wrong.code, wrong.stdout]).toEqual([2, '']);
      expect(wrong.stderr).toMatch(/^usage: npm run /im);
    },
  );
});
