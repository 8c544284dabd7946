import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { type HttpConnection, createHttpConnection } from '../support/http-connection.js';
import { type RecordName, recordAnswer, sendCall } from '../support/record-client.js';
import { createRecordHistory } from '../support/record-history.js';
import { SharedKnowledge } from '../support/record-load.js';
import type { SeededRandom } from '../support/seeded-random.js';
import {
  EndedBeforeListening,
  type SpawnOptions,
  type SpawnedServer,
  spawnProcess,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { type Asked, CrashLedger } from './crash-ledger.js';
import { type CrashPoint, endingAt } from './crash-point.js';

const CLIENTS = 12;
const RECORDS: readonly RecordName[] = ['S1/A', 'S1/B', 'S2/A', 'S2/B', 'S3/C'];
/** A server that is to end by itself, and has not by then, never will. */
const CALLS_MAX = 20_000;
const UNLIMITED = { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' };

/**
 * How a server ends: after some time under load, or at a point, under load or while it starts; or by
 * itself, with this exit code, of what is done to it (and undone when it has ended).
 */
export type Killing =
  | { readonly afterMs: number }
  | { readonly strike: (server: SpawnedServer) => Promise<() => void>; readonly exitCode: number }
  | { readonly under: 'load' | 'start'; readonly point: CrashPoint };

export type Environment = Readonly<Record<string, string>>;

/** One directory, and servers on it that are killed one after the other. */
export class CrashRounds {
  readonly ledger = new CrashLedger();
  readonly history = createRecordHistory();
  /** How many of the starts began from a snapshot. */
  startsFromSnapshots = 0;
  private readonly known = new SharedKnowledge(RECORDS);
  /** Of this round. */
  private calls = 0;
  private keys = 0;

  constructor(
    private readonly random: SeededRandom,
    private readonly dataDir = temporaryDirectory(),
  ) {}

  /** Starts a server, with this environment, and lets it end; what it leaves behind is in order. */
  async round(killing: Killing, environment: Environment = {}): Promise<void> {
    if ('under' in killing && killing.under === 'start') {
      await this.dieAtStart(killing.point, environment);
    } else {
      await this.dieUnderLoad(killing, environment);
    }
    await this.checkDirectory();
  }

  /** The last server, that lives: everything is as all were told. */
  async end(): Promise<void> {
    const server = await this.start({});
    await this.askAgain(server);
    this.ledger.check(this.dataDir);
    server.signal('SIGTERM');
    if ((await server.ended) !== 0) throw new Error(server.output());
    await this.checkDirectory();
  }

  private async dieUnderLoad(killing: Killing, environment: Environment): Promise<void> {
    const { environment: point, ...ending } = 'point' in killing ? endingAt(killing.point) : {};
    this.calls = 0;
    let server: SpawnedServer;
    try {
      server = await this.start({ ...ending, environment: { ...environment, ...point } });
    } catch (error) {
      // What is to be interrupted may be due when it starts.
      const died = error instanceof EndedBeforeListening && error.ended === 'SIGKILL';
      if (died && point !== undefined) return;
      throw error;
    }
    await this.askAgain(server);
    const loads = Array.from({ length: CLIENTS }, () => this.load(server));
    if ('afterMs' in killing) {
      await sleep(killing.afterMs);
      server.signal('SIGKILL');
    }
    const undo = 'strike' in killing ? await killing.strike(server) : () => undefined;
    await Promise.all(loads);
    if (this.calls >= CALLS_MAX) throw new Error(`lives on: ${JSON.stringify(killing)}`);
    const endedBy = await server.ended;
    undo();
    const expected = 'exitCode' in killing ? killing.exitCode : 'SIGKILL';
    if (endedBy !== expected) throw new Error(`ended by ${endedBy}: ${server.output()}`);
  }

  private async dieAtStart(point: CrashPoint, environment: Environment): Promise<void> {
    const ending = endingAt(point);
    const started = spawnProcess({
      ...ending,
      dataDir: this.dataDir,
      environment: { ...environment, ...ending.environment },
    });
    started.stdout.on('data', () => {
      // It has come through: the point was not on its way.
      if (started.output().includes('"url":')) started.signal('SIGTERM');
    });
    const endedBy = await started.ended;
    if (endedBy !== 'SIGKILL') throw new Error(`ended by ${endedBy}: ${started.output()}`);
  }

  private async checkDirectory(): Promise<void> {
    const { differences } = await verifyLog(createNodeFileSystem(), this.dataDir);
    if (differences.length > 0) throw new Error(differences.join('\n'));
    this.ledger.check(this.dataDir);
  }

  private async start(options: Partial<SpawnOptions>): Promise<SpawnedServer> {
    const { dataDir } = this;
    const environment = { ...UNLIMITED, ...options.environment };
    const server = await spawnServer({ ...options, dataDir, environment });
    const [, replayed, events] = /"replayed":(\d+).*"events":(\d+)/.exec(server.output()) ?? [];
    if (Number(replayed) < Number(events)) this.startsFromSnapshots += 1;
    return server;
  }

  /** Compares what a new server shows with its log, and asks again what is not known. */
  private async askAgain(server: SpawnedServer): Promise<void> {
    const connection = createHttpConnection(server.url);
    await this.checkState(connection);
    const ask = (asked: Asked) => this.ask(connection, asked);
    const unheard = this.ledger.takeUnheard();
    await Promise.all(unheard.map(ask));
    // And again: by now each of them has its answer.
    await Promise.all(unheard.map(ask));
    connection.close();
  }

  /** What the server says of every record is what its log says; unless it ends before. */
  private async checkState(connection: HttpConnection): Promise<void> {
    const fold = this.ledger.check(this.dataDir);
    for (const [key, { onHand, reserved, version }] of fold.records) {
      const [storeId = '', sku = ''] = key.split('/');
      const path = `/api/inventory/stores/${storeId}/inventory/${sku}`;
      const answer = await connection.send('GET', path);
      if (answer === undefined) return;
      const shown = JSON.parse(answer.text) as Record<string, unknown>;
      const expected = { onHand, reserved, version, qty: onHand - reserved };
      const same = Object.entries(expected).every(([name, value]) => shown[name] === value);
      if (!same) {
        const says = JSON.stringify(expected);
        throw new Error(`${key} is shown as ${answer.text}, its log says ${says}`);
      }
    }
  }

  private async load(server: SpawnedServer): Promise<void> {
    const connection = createHttpConnection(server.url);
    const random = this.random.fork();
    for (let lives = true; lives && this.calls < CALLS_MAX;) {
      this.calls += 1;
      const record = random.pick(RECORDS);
      const input = this.known.choose(record, random);
      const keyed = input.op !== 'read' && random.chance(0.6);
      const key = keyed ? `key-${(this.keys += 1)}` : undefined;
      lives = await this.ask(connection, { record, input, ...(key !== undefined && { key }) });
    }
    connection.close();
  }

  /** False: no answer came. */
  private async ask(connection: HttpConnection, asked: Asked): Promise<boolean> {
    const { record, input, key } = asked;
    const attempt = this.history.begin(record, input, key);
    const exchanged = await sendCall(connection, record, input, key);
    if (exchanged === undefined) {
      this.ledger.unheardOf(asked);
      return false;
    }
    this.ledger.told(asked, exchanged);
    if (exchanged.status === 429 || exchanged.status === 503) attempt.turnedAway();
    else {
      const answer = recordAnswer(exchanged, input);
      attempt.returned(answer);
      if (answer.kind === 'record') {
        const { version, reservationId: id } = answer;
        const qty = input.op === 'reserve' ? input.qty : 0;
        this.known.learn(record, version, id === undefined ? undefined : { id, qty });
      }
    }
    return true;
  }
}
