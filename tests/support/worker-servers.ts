import { type SpawnOptions, type SpawnedServer, spawnServer } from './spawned-server.js';

/** A server of several processes behind one port. */
export interface WorkersServer extends SpawnedServer {
  /** Process ids of the workers that serve at present, by their place. */
  workers(): Map<number, number>;
  /** Resolves when so many serve, none of `others` among them. */
  serving(count: number, ...others: readonly number[]): Promise<number[]>;
}

interface Line {
  readonly msg: string;
  readonly place: number;
  readonly pid: number;
}

export async function spawnWorkers(
  count: number,
  { environment, ...options }: SpawnOptions,
): Promise<WorkersServer> {
  const sharing = { LOCKS_ENABLED: 'true', WORKERS: String(count) };
  const server = await spawnServer({ ...options, environment: { ...sharing, ...environment } });

  function workers(): Map<number, number> {
    const serving = new Map<number, number>();
    for (const { msg, place, pid } of linesOf(server.output())) {
      if (msg === 'a worker serves') serving.set(place, pid);
      else if (msg.startsWith('a worker has ended') && serving.get(place) === pid) {
        serving.delete(place);
      }
    }
    return serving;
  }

  const started: WorkersServer = {
    ...server,
    workers,
    async serving(wanted, ...others) {
      for (;;) {
        const pids = [...workers().values()].filter((pid) => !others.includes(pid));
        if (pids.length >= wanted) return pids;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
  await started.serving(count);
  return started;
}

/** The lines of the primary, which has the number 0 among those that log. */
function linesOf(output: string): Line[] {
  return output
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"worker":0,'))
    .map((line) => JSON.parse(line) as Line);
}
