import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.js';
import { requestText } from './load.js';

/** An orchestrator's probe, on a connection of its own as theirs are. */
const LIVENESS = requestText({
  method: 'GET',
  path: '/api/health/liveness',
  status: 200,
  contains: '',
});
const PAUSE_MS = 100;

/** Asks whether the server is alive, again and again, until it is stopped. */
export function startProbes(url: string) {
  const latencies: Promise<number>[] = [];
  let stopped = false;

  async function probe(): Promise<number> {
    const askedAt = performance.now();
    const connection = await Connection.open(url);
    await connection.ask(LIVENESS);
    connection.close();
    return performance.now() - askedAt;
  }

  async function run(): Promise<void> {
    while (!stopped) {
      latencies.push(probe());
      await sleep(PAUSE_MS);
    }
  }

  const running = run();
  return {
    /** Until each was answered, in ms, opening the connection included. */
    async stop(): Promise<readonly number[]> {
      stopped = true;
      await running;
      return await Promise.all(latencies);
    },
  };
}
