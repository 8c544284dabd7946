/** The process: arguments, environment → config → service → signals → exit code. */
import { resolve } from 'node:path';
import { type RunningService, startService, versionOfPackage } from './composition.js';
import { type Config, ConfigError, readConfig, settings } from './config.js';
import { parseStartArguments, startFailureText, usageText, welcomeText } from './start-text.js';

/** sysexits.h: EX_IOERR; the storage could not keep a promise. */
const EXIT_STORAGE = 74;
/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;
const EXIT_FAILED_START = 1;
const EXIT_USAGE = 2;
/** What a shell reports for a process that a second signal ended. */
const EXIT_FORCED = 130;

answerArguments();
const config = configOrExit();
const service = await startOrExit(config);
const { version, url, recovery } = service;
const { dataDir } = config;
if (process.stderr.isTTY) process.stderr.write(welcomeText({ version, url, dataDir, recovery }));
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

/** Returns where the service is to run. */
function answerArguments(): void {
  const asked = parseStartArguments(process.argv.slice(2));
  if (asked.kind === 'run') return;
  if (asked.kind === 'wrong') {
    console.error(asked.why);
    process.exit(EXIT_USAGE);
  }
  console.log(asked.kind === 'version' ? versionOfPackage() : usageText(settings()));
  process.exit(0);
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
    console.error(startFailureText(error, startConfig));
    process.exit(EXIT_FAILED_START);
  }
}
