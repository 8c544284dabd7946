/** The process: environment → config → service → signals → exit code. */
import { resolve } from 'node:path';
import { type RunningService, startService } from './composition.js';
import { type Config, ConfigError, readConfig } from './config.js';

/** sysexits.h: EX_IOERR; the storage could not keep a promise. */
const EXIT_STORAGE = 74;
/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;
const EXIT_FAILED_START = 1;
/** What a shell reports for a process that a second signal ended. */
const EXIT_FORCED = 130;

const config = configOrExit();
const service = await startOrExit(config);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// What it does besides stays as it is: a stack on standard error, and exit 1.
process.on('uncaughtExceptionMonitor', (error) => service.crashed(error));

let stopping = false;

function stop(): void {
  // A second signal ends it at once: nothing that was acknowledged can be lost by that.
  if (stopping) process.exit(EXIT_FORCED);
  stopping = true;
  service.stop().then(
    () => process.exit(0),
    () => process.exit(EXIT_STORAGE),
  );
}

function configOrExit(): Config {
  try {
    const read = readConfig(process.env);
    return { ...read, dataDir: resolve(read.dataDir) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_CONFIG);
  }
}

async function startOrExit(startConfig: Config): Promise<RunningService> {
  try {
    return await startService(startConfig, {
      onFatal: () => process.exit(EXIT_STORAGE),
      onExit: (task) => void process.on('exit', task),
    });
  } catch (error) {
    console.error(startFailure(error, startConfig));
    process.exit(EXIT_FAILED_START);
  }
}

/** One line that says what to do, where we know; all there is, where we do not. */
function startFailure(error: unknown, { host, port, dataDir }: Config): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'DataDirectoryError') return `cannot start: ${error.message}`;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `cannot start: port ${port} on ${host} is in use (set PORT)`;
  if (code === 'EACCES' || code === 'EROFS') {
    return `cannot start: no permission for ${dataDir} or for port ${port}: ${error.message}`;
  }
  return `cannot start: ${error.stack ?? error.message}`;
}
