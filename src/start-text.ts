/** Text for people, beside the log of JSON lines: usage, welcome, and why a start failed. */
import { parseArgs } from 'node:util';

export type StartArguments =
  | { readonly kind: 'help' | 'version' }
  /** `environment`: variables set by the arguments, which override the environment. */
  | { readonly kind: 'run'; readonly environment: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong'; readonly why: string };

export function parseStartArguments(args: readonly string[]): StartArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
        workers: { type: 'string' },
      },
    });
    if (values.help) return { kind: 'help' };
    if (values.version) return { kind: 'version' };
    const { workers } = values;
    if (workers === '') return { kind: 'wrong', why: '--workers needs a number' };
    return { kind: 'run', environment: workers === undefined ? {} : { WORKERS: workers } };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [why = ''] = error.message.split(/\.\s/);
    return { kind: 'wrong', why: `${why}: settings are environment variables, see --help` };
  }
}

export interface Setting {
  readonly name: string;
  readonly default: string;
}

export function usageText(settings: readonly Setting[]): string {
  const rows = settings.map((each) => `  ${each.name.padEnd(28)}${each.default}`.trimEnd());
  return `Usage: npm start [-- --workers N | --help | --version]

Runs the inventory service until Ctrl-C or SIGTERM; its log is JSON lines on standard output.
--workers N (or WORKERS=N, with LOCKS_ENABLED=true) runs N processes behind one port.
Settings are environment variables; these are their defaults:

${rows.join('\n')}

README.md says what they mean, run.md how to operate the service and what its exit codes mean. A
running service describes its API at /docs. Other commands: npm run backup, restore, verify, log,
import; each explains itself with \`npm run NAME -- --help\`.`;
}

export interface Started {
  readonly version: string;
  readonly url: string;
  readonly dataDir: string;
  readonly recovery: {
    readonly records: number;
    readonly events: number;
    readonly durationMs: number;
  };
}

/** For a terminal only: a file that gets both streams must contain nothing but JSON lines. */
export function welcomeText({ version, url, dataDir, recovery }: Started): string {
  const { records, events, durationMs } = recovery;
  const found = `${counted(events, 'event')}, ${counted(records, 'record')}`;
  return `distributed-inventory ${version}
  API     ${url}/api   documentation: ${url}/docs
  data    ${dataDir}: ${found}, recovered in ${Math.round(durationMs)} ms
  stop    Ctrl-C
`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
}

const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT']);
const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS']);
const NO_DIRECTORY = new Set(['EEXIST', 'ENOTDIR']);

/** A promise about the data could not be kept (errors.ts of the file storage). */
export function isStorageFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'StorageFatalError';
}

/** One line that says what to do, if known; otherwise the full error. */
export function startFailureText(error: unknown, { host, port, dataDir }: Wanted): string {
  if (!(error instanceof Error)) return `cannot start: ${String(error)}`;
  if (error.name === 'DataDirectoryError') return `cannot start: ${error.message}`;
  if (isStorageFailure(error)) {
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return `cannot start: ${error.message}${cause}: check the disk, then start again`;
  }
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) {
    return `cannot start: ${error.stack ?? error.message}`;
  }
  if (code === 'EADDRINUSE') return `cannot start: port ${port} on ${host} is in use (set PORT)`;
  if (NO_SUCH_ADDRESS.has(code)) {
    return `cannot start: ${host} is not an address of this machine (${code}): set HOST`;
  }
  if (syscall === 'listen')
    return `cannot start: cannot listen on port ${port} of ${host} (${code}): set PORT`;
  return `cannot start: the data directory ${dataDir} ${whyNot(code)} (${error.message})`;
}

function whyNot(code: string): string {
  if (NOT_WRITABLE.has(code)) return 'is not writable: set its owner, or DATA_DIR';
  if (NO_DIRECTORY.has(code)) return 'is not a directory: set DATA_DIR';
  return 'cannot be used: set DATA_DIR, or repair it';
}
