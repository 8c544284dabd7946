import { type Level, type Logger, destination, pino } from 'pino';

export type { Logger };

export interface ServiceLog {
  readonly logger: Logger;
  /** Writes out what is still buffered, before it returns: the last thing before an exit. */
  flush(): void;
}

export interface LogOptions {
  readonly level: Level | 'silent';
  /** A file descriptor or a path; by default the standard output. */
  readonly to?: number | string;
}

/** So many bytes are written at once; fewer wait for `FLUSH_AFTER_MS` at most. */
const WRITE_BYTES_MIN = 65_536;
const WRITE_BYTES_MAX = 2 * WRITE_BYTES_MIN;
const FLUSH_AFTER_MS = 1_000;
/** Whoever reads the log has stopped: from here on lines are dropped, the service goes on. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const STDOUT = 1;

/**
 * One JSON line per record, `time` in ms since the epoch. Nothing is redacted, because no body and
 * no header is ever logged.
 */
export function createLogger({ level, to = STDOUT }: LogOptions): ServiceLog {
  const lines = destination({
    dest: to,
    sync: false,
    minLength: WRITE_BYTES_MIN,
    maxWrite: WRITE_BYTES_MAX,
    maxLength: WAITING_BYTES_MAX,
    periodicFlush: FLUSH_AFTER_MS,
  });
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return { logger: pino(options, lines), flush: () => lines.flushSync() };
}
