import { createHttpConnection } from './http-connection.js';
import { recordAnswer, sendCall, type RecordName } from './record-client.js';
import type { RecordHistory } from './record-history.js';
import type { SharedKnowledge } from './record-load.js';
import type { RecordCall } from './record-specification.js';
import type { SeededRandom } from './seeded-random.js';
import { type SpawnedServer, spawnServer } from './spawned-server.js';

/** Several servers on one directory; a place in it is taken anew by another process. */
export class SharingServers {
  readonly running: SpawnedServer[] = [];
  private readonly options: Parameters<typeof spawnServer>[0];

  constructor(dataDir: string, environment: Readonly<Record<string, string>> = {}) {
    const sharing = { LOCKS_ENABLED: 'true', LOG_LEVEL: 'info', RATE_LIMIT_RPS: '1000000' };
    this.options = {
      dataDir,
      environment: { ...sharing, RATE_LIMIT_BURST: '1000000', ...environment },
    };
  }

  async start(count: number): Promise<void> {
    const servers = Array.from({ length: count }, () => spawnServer(this.options));
    this.running.push(...(await Promise.all(servers)));
  }

  /** kill -9, and another one in its place. */
  async replace(place: number): Promise<void> {
    const before = this.running[place]!;
    before.signal('SIGKILL');
    await before.ended;
    this.running[place] = await spawnServer(this.options);
  }

  async freeze(place: number, forMs: number): Promise<void> {
    const server = this.running[place]!;
    server.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, forMs));
    server.signal('SIGCONT');
  }

  /** SIGTERM to all at once; resolves with how each ended. */
  async stop(): Promise<(number | NodeJS.Signals)[]> {
    for (const server of this.running) server.signal('SIGTERM');
    return await Promise.all(this.running.map(({ ended }) => ended));
  }
}

/** What a client was told of a write. */
export interface Acknowledged {
  readonly record: RecordName;
  readonly sequence: number;
  readonly version: number;
}

export interface SharingLoad {
  readonly servers: Pick<SharingServers, 'running'>;
  readonly history: RecordHistory;
  readonly known: SharedKnowledge;
  readonly acknowledged: Acknowledged[];
  readonly hot: RecordName;
  /** How often the hot record is asked for rather than any other. */
  readonly hotShare: number;
  isOver(): boolean;
  /** Nobody will answer any more: what was not answered by then stays unknown. */
  isGone?(): boolean;
}

/**
 * One client that asks one thing after the other, now of this server and now of that. With a key
 * it asks until it has an answer; without, an answer that never comes stays unknown.
 */
export async function runSharingClient(
  load: SharingLoad,
  name: string,
  random: SeededRandom,
): Promise<void> {
  const connections = new Map<string, ReturnType<typeof createHttpConnection>>();
  const connectionTo = ({ url }: SpawnedServer) => {
    const known = connections.get(url);
    if (known !== undefined) return known;
    const made = createHttpConnection(url);
    connections.set(url, made);
    return made;
  };
  let server = random.pick(load.servers.running);

  async function ask(record: RecordName, input: RecordCall, key?: string): Promise<void> {
    for (;;) {
      const attempt = load.history.begin(record, input, key);
      const exchanged = await sendCall(connectionTo(server), record, input, key);
      if (exchanged === undefined || exchanged.status === 503) {
        if (exchanged !== undefined) attempt.turnedAway();
        server = random.pick(load.servers.running);
        await new Promise((resolve) => setTimeout(resolve, 5 + random.int(20)));
        if (key === undefined || load.isGone?.() === true) return;
        continue;
      }
      const answer = recordAnswer(exchanged, input);
      attempt.returned(answer);
      if (answer.kind !== 'record') return;
      const { version, reservationId: id } = answer;
      const hold = id !== undefined && input.op === 'reserve' ? { id, qty: input.qty } : undefined;
      load.known.learn(record, version, hold);
      if (input.op === 'read') return;
      const { sequence } = JSON.parse(exchanged.text) as { sequence: number };
      load.acknowledged.push({ record, sequence, version });
      return;
    }
  }

  for (let asked = 1; !load.isOver(); asked += 1) {
    if (random.chance(0.1)) server = random.pick(load.servers.running);
    const record = random.chance(load.hotShare) ? load.hot : random.pick(load.known.records);
    const input = load.known.choose(record, random);
    // Too many unknown outcomes of one record, and nothing can be said of its history.
    const keyed = input.op !== 'read' && (record === load.hot || random.chance(0.7));
    await ask(record, input, keyed ? `${name}-${asked}` : undefined);
  }
  for (const connection of connections.values()) connection.close();
}
