/** The process: arguments, environment → config → service, or primary of workers → exit code. */
import cluster from 'node:cluster';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningService } from './composition/start-service.js';
import type { Supervisor } from './composition/start-primary.js';
import { type Config, ConfigError, readConfig, settings } from './config.js';
import { versionOfPackage } from './package-files.js';
import {
  type Started,
  isStorageFailure,
  parseStartArguments,
  startFailureText,
  usageText,
  welcomeText,
} from './start-text.js';
import { onStopSignals } from './stop-signals.js';

/** sysexits.h: EX_IOERR; the storage could not keep a promise. */
const EXIT_STORAGE = 74;
/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;
const EXIT_FAILED_START = 1;
const EXIT_USAGE = 2;
/** What a shell reports for a process that a second signal ended. */
const EXIT_FORCED = 130;

const config = configOrExit(answerArguments());
const onExit = (task: () => void): void => void process.on('exit', task);
if (cluster.isPrimary && config.workers !== undefined) await runPrimary(config.workers);
else await runService();

async function runService(): Promise<void> {
  const running: { service?: RunningService } = {};
  let stopping = false;
  onStopSignals({
    stop,
    force() {
      // A worker may get a stop twice: from its primary, and from the terminal or service manager.
      if (cluster.isPrimary) process.exit(EXIT_FORCED);
    },
  });
  // Imported here because a primary needs none of it.
  const { startService } = await import('./composition/start-service.js');
  const hooks = {
    onExit,
    stop,
    worker: cluster.worker,
    onFatal: () => process.exit(EXIT_STORAGE),
  };
  const service = await startService(config, hooks).catch(failedStart);
  running.service = service;
  if (cluster.isPrimary) welcome(service);
  // Only observes: Node still prints a stack on standard error and exits with code 1.
  process.on('uncaughtExceptionMonitor', (error) => service.crashed(error));

  function stop(): void {
    if (running.service === undefined) stoppedBeforeItServed();
    if (stopping) return;
    stopping = true;
    const { service } = running;
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        service.crashed(error);
        process.exit(EXIT_STORAGE);
      },
    );
  }
}

/** The primary serves nothing itself: it keeps `count` worker processes running. */
async function runPrimary(count: number): Promise<void> {
  const running: { primary?: Supervisor } = {};
  onStopSignals({
    stop() {
      if (running.primary === undefined) stoppedBeforeItServed();
      running.primary.stop();
    },
    force() {
      running.primary?.kill();
      process.exit(EXIT_FORCED);
    },
  });
  const { startPrimary } = await import('./composition/start-primary.js');
  const program = fileURLToPath(import.meta.url);
  const hooks = { program, onExit, onStarted: welcome };
  const primary = await startPrimary(config, count, hooks).catch(failedStart);
  running.primary = primary;
  process.exit(await primary.over);
}

/** Nothing was accepted, and a start may be interrupted anywhere: the next goes on from there. */
function stoppedBeforeItServed(): never {
  console.error('stopped before it had started');
  process.exit(0);
}

function welcome(started: Omit<Started, 'dataDir'>): void {
  if (process.stderr.isTTY) {
    process.stderr.write(welcomeText({ ...started, dataDir: config.dataDir }));
  }
}

/** Returns the variables that the arguments set; answers any other arguments and exits. */
function answerArguments(): Readonly<Record<string, string>> {
  const asked = parseStartArguments(process.argv.slice(2));
  if (asked.kind === 'run') return asked.environment;
  if (asked.kind === 'wrong') {
    console.error(asked.why);
    process.exit(EXIT_USAGE);
  }
  console.log(asked.kind === 'version' ? versionOfPackage() : usageText(settings()));
  process.exit(0);
}

function configOrExit(set: Readonly<Record<string, string>>): Config {
  try {
    const read = readConfig({ ...process.env, ...set });
    return { ...read, dataDir: resolve(read.dataDir) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_CONFIG);
  }
}

function failedStart(error: unknown): never {
  console.error(startFailureText(error, config));
  process.exit(isStorageFailure(error) ? EXIT_STORAGE : EXIT_FAILED_START);
}
