import { Connection } from './connection.js';
import {
  type Memory,
  type RequestMaker,
  assertRight,
  isShed,
  openConnections,
  requestText,
} from './load.js';
import type { Measured } from './process.js';
import { settings } from './settings.js';

/** One answer: when it was due to be asked for (`performance.now()`), and how long it took. */
export interface Sample {
  readonly atMs: number;
  readonly latencyMs: number;
  /** The server had too much to do, and said so instead. */
  readonly shed: boolean;
}

export interface OpenLoopOptions {
  readonly perSecond: number;
  /** Asks until this has settled, then waits for the answers that are still to come. */
  readonly until: Promise<unknown>;
}

/** An open loop that outgrows this is measuring a server that does not keep up. */
const CONNECTIONS_MAX = 5_000;

/**
 * Asks at a fixed rate, however long the answers take: who waits for one does not keep the others
 * from asking, so that a pause of the server counts for all who came during it. What is due within
 * a millisecond is sent together, and counts from the moment when the client came to sending it: a
 * delay of the client itself is not the server's.
 */
export async function runOpenLoop(
  server: Measured,
  { make }: RequestMaker,
  { perSecond, until }: OpenLoopOptions,
): Promise<readonly Sample[]> {
  const idle = await openConnections(server.url, settings.connections);
  const all = new Set(idle);
  const samples: Sample[] = [];
  const memory: Memory = {};
  let sent = 0;
  let asking = true;

  async function ask(atMs: number): Promise<void> {
    const request = make(memory);
    const connection = idle.pop() ?? (await another(server.url, all));
    const answer = await connection.ask(requestText(request));
    const latencyMs = performance.now() - atMs;
    const shed = isShed(answer);
    if (!shed) assertRight(request, answer);
    samples.push({ atMs, latencyMs, shed });
    idle.push(connection);
  }

  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const startedAt = performance.now();
      const askWhatIsDue = (): void => {
        const now = performance.now();
        const due = Math.floor(((now - startedAt) / 1_000) * perSecond);
        for (; asking && sent < due; sent += 1) ask(now).catch(reject);
        if (!asking && samples.length === sent) resolve();
      };
      timer = setInterval(askWhatIsDue, 1);
      until.then(() => (asking = false), reject);
    });
    return samples;
  } finally {
    clearInterval(timer);
    for (const each of all) each.close();
  }
}

async function another(url: string, all: Set<Connection>): Promise<Connection> {
  if (all.size >= CONNECTIONS_MAX) {
    throw new Error(`${CONNECTIONS_MAX} requests wait: the server does not keep up with the rate`);
  }
  const connection = await Connection.open(url);
  all.add(connection);
  return connection;
}
