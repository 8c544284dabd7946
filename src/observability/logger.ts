import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import { type LogDestination, openLogDestination } from './log-destination.js';

export type { Logger };

interface ServiceFlush {
  /** Hands the gathered lines to the destination, which may write them later. */
  flush(): void;
  /** Writes the gathered lines synchronously, as the last action before an exit. */
  writeOut(): void;
}

export interface ServiceLog extends ServiceFlush {
  readonly logger: Logger;
}

export interface LogOptions {
  readonly level: Level | 'silent';
  /** A file descriptor or a path; by default standard output. */
  readonly to?: number | string;
  /** Number of this process among several that write to the same place; undefined: the only one. */
  readonly worker?: number | undefined;
}

/** Characters gathered for one write; fewer are written after `FLUSH_AFTER_MS`. */
const WRITE_LENGTH = 32_768;
/** PIPE_BUF, pipe(7): longer writes may be interleaved with those of another process. */
const SHARED_WRITE_LENGTH = 4_096;
const FLUSH_AFTER_MS = 1_000;
const STDOUT = 1;

/**
 * One JSON line per record in printable ASCII, `time` in ms since the epoch. Nothing is redacted,
 * because no body and no header is ever logged.
 */
export function createLogger({ level, to = STDOUT, worker }: LogOptions): ServiceLog {
  const maxWrite = worker === undefined ? WRITE_LENGTH : SHARED_WRITE_LENGTH;
  const lines = gathered(openLogDestination(to), maxWrite);
  const options = {
    level,
    base: worker === undefined ? null : { worker },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return {
    logger: pino(options, lines),
    flush: () => lines.flush(),
    writeOut: () => lines.writeOut(),
  };
}

/** Gathers lines for the destination: one write costs more than rendering many lines. */
function gathered(
  destination: LogDestination,
  writeLength: number,
): DestinationStream & ServiceFlush {
  let waiting = '';
  function taken(): string {
    const lines = inPrintableAscii(waiting);
    waiting = '';
    return lines;
  }
  function writeWaiting(): void {
    if (waiting !== '') destination.write(taken());
  }
  setInterval(writeWaiting, FLUSH_AFTER_MS).unref();
  return {
    write(line) {
      if (waiting.length + line.length > writeLength) writeWaiting();
      waiting += line;
    },
    flush: writeWaiting,
    writeOut: () => destination.writeOut(taken()),
  };
}

/**
 * JSON escapes line ends and the start of ANSI sequences; but terminals also act on C1 controls,
 * and marks that change the direction of text mislead readers. All other characters that are not
 * printable ASCII are escaped here, for every caller: `\u` means the same in any JSON text.
 */
function inPrintableAscii(lines: string): string {
  // Two fast checks for the usual case, in which there is nothing to escape.
  if (Buffer.byteLength(lines) === lines.length && !lines.includes('\x7f')) return lines;
  return lines.replaceAll(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
