import { createReadings } from '../cluster/readings.js';
import type { Started } from '../cluster/messages.js';
import { type Supervisor, createSupervisor } from '../cluster/supervisor.js';
import { freePort, workerProcesses } from '../cluster/worker-processes.js';
import type { Config } from '../config.js';
import { createLogger } from '../observability/logger.js';
import { byLabel, counter, gauge } from '../observability/metric-family.js';
import { createProcessMetrics } from '../observability/process-metrics.js';
import { versionOfPackage } from '../package-files.js';
import { prepareDirectory } from '../storage/file/disk/presence-lock.js';
import { createSystem } from '../system.js';

export type { Supervisor } from '../cluster/supervisor.js';

export interface PrimaryHooks {
  /** The program that the workers run. */
  readonly program: string;
  /** Called when the first worker serves. */
  readonly onStarted: (started: Started) => void;
  readonly onExit: (task: () => void) => void;
}

/** Starts the workers and deals connections out to them; this process holds no data. */
export async function startPrimary(
  config: Config,
  count: number,
  hooks: PrimaryHooks,
): Promise<Supervisor> {
  const system = createSystem();
  const { clock, timers } = system;
  const { logger: log, flush, writeOut } = createLogger({ level: config.logLevel, worker: 0 });
  hooks.onExit(writeOut);
  const ended = { code: 0, signal: 0 };
  let hasStarted = false;
  const process = createProcessMetrics({ clock, timers, version: versionOfPackage() });

  const port = config.port === 0 ? await freePort(config.host) : config.port;

  const readings = createReadings({
    clock,
    timers,
    workers: () => supervisor.serving,
    own: () => [
      gauge('inventory_workers', 'Workers that serve (WORKERS).', supervisor.serving.length),
      counter(
        'inventory_worker_ends_total',
        'Workers that ended without being told to: by an exit code, or by a signal.',
        byLabel('by', Object.entries(ended)),
      ),
      ...process.collect().filter(({ type }) => type !== 'histogram'),
    ],
  });

  const supervisor = createSupervisor({
    count,
    clock,
    timers,
    graceMs: config.shutdownGraceMs,
    // Resolved once: all workers, later ones too, must use the same directory.
    startWorker: workerProcesses(hooks.program, {
      PORT: String(port),
      DATA_DIR: prepareDirectory(config.dataDir),
    }),
    onMessage(worker, message) {
      if (message.kind === 'reading') readings.taken(worker, message.reading);
      else if (message.kind === 'ask') {
        const counted = message.reset ? readings.reset() : readings.read();
        void counted.then((all) => {
          worker.process.send({ kind: 'counted', id: message.id, counted: all });
        });
      }
    },
    onServing({ place, process: { id, pid } }, started) {
      log.info({ place, started: id, pid }, 'a worker serves');
      if (!hasStarted) hooks.onStarted(started);
      hasStarted = true;
      flush();
    },
    onEnded(worker, restartAfterMs) {
      readings.ended(worker);
      const { place, process: { id, pid }, code, signal } = worker; // prettier-ignore
      const figures = { place, started: id, pid, code, signal };
      if (restartAfterMs === undefined) log.info(figures, 'a worker has ended');
      else {
        ended[code === null ? 'signal' : 'code'] += 1;
        log.warn({ ...figures, restartAfterMs }, 'a worker has ended, another takes its place');
      }
      flush();
    },
    onStopping(why) {
      log.info({ why }, 'stopping all workers');
      flush();
    },
  });

  void supervisor.over.then(() => {
    readings.stop();
    process.stop();
  });
  return supervisor;
}
