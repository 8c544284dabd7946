import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import { type LogDestination, openLogDestination } from './log-destination.js';

export type { Logger };

interface ServiceFlush {
  /** Has written what is still gathered, soon. */
  flush(): void;
  /** Writes out what is still gathered, before it returns: the last thing before an exit. */
  writeOut(): void;
}

export interface ServiceLog extends ServiceFlush {
  readonly logger: Logger;
}

export interface LogOptions {
  readonly level: Level | 'silent';
  /** A file descriptor or a path; by default the standard output. */
  readonly to?: number | string;
  /** Which of several processes this is that write to the same place; undefined: the only one. */
  readonly worker?: number | undefined;
}

/** So many characters are written at once; what waits is written after `FLUSH_AFTER_MS`. */
const WRITE_LENGTH = 32_768;
/** pipe(7): what is longer may come out in pieces, between those of another process. */
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

/** Gathers lines before they reach the destination: each write costs more than making many lines. */
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
  function createForwarding(): void {
    if (waiting !== '') destination.write(taken());
  }
  setInterval(createForwarding, FLUSH_AFTER_MS).unref();
  return {
    write(line) {
      if (waiting.length + line.length > writeLength) createForwarding();
      waiting += line;
    },
    flush: createForwarding,
    writeOut: () => destination.writeOut(taken()),
  };
}

/**
 * JSON escapes what ends a line and what begins an ANSI sequence; but terminals also act on C1
 * controls, and readers are misled by marks that turn the direction of text. Whatever else is not
 * printable ASCII is escaped here, behind everybody who logs: `\u` means the same in any JSON text.
 */
function inPrintableAscii(lines: string): string {
  // Both are over in a moment where there is nothing to do: that is, nearly always.
  if (Buffer.byteLength(lines) === lines.length && !lines.includes('\x7f')) return lines;
  return lines.replaceAll(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
