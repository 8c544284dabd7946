import * as fs from 'node:fs';
import { Socket } from 'node:net';

/** Where lines of a log go. Nothing here ever throws: a log that cannot be written stops nobody. */
export interface LogDestination {
  /** Whole lines; dropped where too much waits already. */
  write(lines: string): void;
  /** Writes all that waits, and these, before it returns; what finds no reader in a second is dropped. */
  writeOut(lines: string): void;
}

/** Whoever reads the log has stopped: from here on lines are dropped, the service goes on. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** Where nothing new is to be written, which is a try, too. */
const TRY_AGAIN_MS = 10;
/** At an end: a second for a reader that takes nothing, five for one that takes its time. */
const LAST_TRY_AGAIN_MS = 5;
const LAST_TRIES_IN_VAIN_MAX = 200;
const LAST_TRIES_MAX = 1_000;
/** What another thread writes just now is written by then. */
const UNDER_WAY_MS = 10;
const LINE_END = Buffer.from('\n');

/**
 * Writes one chunk after the other: at once where that cannot take long, else by another thread. What
 * cannot be written, for want of room on the disk say, or since nobody will ever read it, is dropped;
 * what nobody reads at present waits. `to`: a descriptor, or the path of a file.
 */
export function openLogDestination(to: number | string): LogDestination {
  const { descriptor, mayTakeLong, prepare } = outputOf(
    typeof to === 'string' ? fs.openSync(to, 'a') : to,
  );
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  /** What waits first is the rest of something. */
  let isRest = false;
  /** Such a rest was dropped: what comes next begins a line of its own. */
  let isMidLine = false;
  let isUnderWay = false;
  let isToTryAgain = false;

  function add(chunk: Buffer): void {
    waiting.push(chunk);
    waitingBytes += chunk.length;
  }

  function next(): Buffer | undefined {
    const chunk = waiting.shift();
    if (chunk === undefined) return undefined;
    waitingBytes -= chunk.length;
    if (!isMidLine) return chunk;
    isMidLine = false;
    isRest = true;
    return Buffer.concat([LINE_END, chunk]);
  }

  function putBack(chunk: Buffer): void {
    waiting.unshift(chunk);
    waitingBytes += chunk.length;
  }

  function wrote(chunk: Buffer, written: number): void {
    isRest = written < chunk.length;
    if (isRest) putBack(chunk.subarray(written));
  }

  /** True: it may be tried again. */
  function failed(chunk: Buffer, error: unknown): boolean {
    if (isPassing(error)) {
      putBack(chunk);
      return true;
    }
    isMidLine = isRest;
    isRest = false;
    return false;
  }

  function writeNow(chunk: Buffer): 'written' | 'dropped' | 'full' {
    prepare();
    try {
      wrote(chunk, fs.writeSync(descriptor, chunk));
      return 'written';
    } catch (error) {
      return failed(chunk, error) ? 'full' : 'dropped';
    }
  }

  function writeLater(chunk: Buffer): void {
    isUnderWay = true;
    fs.write(descriptor, chunk, (error, written) => {
      isUnderWay = false;
      if (error === null) wrote(chunk, written);
      else if (failed(chunk, error)) {
        tryAgainLater();
        return;
      }
      goOn();
    });
  }

  function tryAgainLater(): void {
    if (isToTryAgain) return;
    isToTryAgain = true;
    setTimeout(() => {
      isToTryAgain = false;
      goOn();
    }, TRY_AGAIN_MS).unref();
  }

  function goOn(): void {
    while (!isUnderWay) {
      const chunk = next();
      if (chunk === undefined) return;
      if (mayTakeLong) writeLater(chunk);
      else if (writeNow(chunk) === 'full') {
        tryAgainLater();
        return;
      }
    }
  }

  return {
    write(lines) {
      if (waitingBytes > WAITING_BYTES_MAX) return;
      add(Buffer.from(lines));
      goOn();
    },
    writeOut(lines) {
      add(Buffer.from(lines));
      if (isUnderWay) standStill(UNDER_WAY_MS);
      let inVain = 0;
      let tries = 0;
      for (let chunk = next(); chunk !== undefined; chunk = next()) {
        if (writeNow(chunk) !== 'full') {
          inVain = 0;
          continue;
        }
        tries += 1;
        inVain += 1;
        if (tries > LAST_TRIES_MAX || inVain > LAST_TRIES_IN_VAIN_MAX) return;
        standStill(LAST_TRY_AGAIN_MS);
      }
    },
  };
}

interface Output {
  readonly descriptor: number;
  /** A file, on a disk that may be busy; or what waits for its reader, since we could not change that. */
  readonly mayTakeLong: boolean;
  /** To be called before each write. */
  readonly prepare: () => void;
}

/**
 * Of a pipe, a socket or a terminal, a descriptor that says at once when it is full: a write that waits for
 * its reader would keep its thread, and the process from ending.
 */
function outputOf(descriptor: number): Output {
  const asItIs = { descriptor, mayTakeLong: true, prepare: () => undefined };
  try {
    const kind = fs.fstatSync(descriptor);
    if (kind.isSocket())
      return { ...asItIs, mayTakeLong: false, prepare: keptFromBlocking(descriptor) };
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return asItIs;
    return { ...asItIs, mayTakeLong: false, descriptor: anew(descriptor) };
  } catch {
    return asItIs; // where there is no /proc, or it is somebody else's terminal
  }
}

/** One of our own: what is set for it is not set for whoever shares the other one. */
function anew(descriptor: number): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  return fs.openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
}

/**
 * A socket cannot be opened anew, and is set for all who share it; a process of Node that ends sets
 * it back, for all. Returns what sets it again.
 */
function keptFromBlocking(descriptor: number): () => void {
  const socket: Socket & { readonly _handle?: { setBlocking(on: boolean): void } } = new Socket({
    ...{ fd: descriptor, readable: false, writable: true },
  });
  return () => socket._handle?.setBlocking(false);
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function isPassing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR';
}
