import * as fs from 'node:fs';
import { Socket } from 'node:net';

/** Where log lines go. Its methods never throw: a log that cannot be written must stop nothing. */
export interface LogDestination {
  /** Takes whole lines; they are dropped while too many bytes wait. */
  write(lines: string): void;
  /** Writes all waiting lines and these synchronously; gives up on a reader that stalls for 1 s. */
  writeOut(lines: string): void;
}

/** Beyond this the log's reader has stopped: lines are dropped, and the service goes on. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** How long to wait before another attempt; new lines cause an attempt, too. */
const TRY_AGAIN_MS = 10;
/** For `writeOut`: gives up after a second if nothing is taken, after five if it goes slowly. */
const LAST_TRY_AGAIN_MS = 5;
const LAST_TRIES_IN_VAIN_MAX = 200;
const LAST_TRIES_MAX = 1_000;
/** By then a write that is in progress on another thread has ended. */
const UNDER_WAY_MS = 10;
const LINE_END = Buffer.from('\n');

/**
 * Writes one chunk after the other: synchronously if that cannot block, else on another thread. A
 * chunk that cannot be written (the disk is full, say, or the reader is gone) is dropped; while the
 * reader is slow, chunks wait. `to`: a descriptor, or the path of a file.
 */
export function openLogDestination(to: number | string): LogDestination {
  const { descriptor, mayTakeLong, prepare } = outputOf(
    typeof to === 'string' ? fs.openSync(to, 'a') : to,
  );
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  /** The first waiting chunk is the rest of a partly written one. */
  let isRest = false;
  /** Such a rest was dropped: the next chunk must begin on a new line. */
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

  /** True: the chunk is kept for another attempt; false: it is dropped. */
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
  /** A file on a disk that may be busy, or a descriptor that could not be made non-blocking. */
  readonly mayTakeLong: boolean;
  /** To be called before each write. */
  readonly prepare: () => void;
}

/**
 * For a pipe, socket or terminal, a non-blocking descriptor: a write that blocks on the reader
 * would occupy its thread, and keep the process from exiting.
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
    return asItIs; // no /proc, or the terminal of another user
  }
}

/** Opens the same file anew, since the flags of a descriptor are shared with other processes. */
function anew(descriptor: number): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  return fs.openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
}

/**
 * A socket cannot be opened anew: its mode is shared by all processes that have it, and a Node
 * process that exits resets it for all. Returns a function that makes it non-blocking again.
 */
function keptFromBlocking(descriptor: number): () => void {
  const socket: Socket & { readonly _handle?: { setBlocking(on: boolean): void } } = new Socket({
    fd: descriptor,
    readable: false,
    writable: true,
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
