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
const TRY_AGAIN_MS = 50;
const LAST_TRIES_MAX = 20;
/** What another thread writes just now is written by then. */
const UNDER_WAY_MS = 10;

/**
 * Writes one chunk after the other, by another thread. What cannot be written, for want of room on the
 * disk say, or since nobody will ever read it, is dropped; what nobody reads at present waits. `to`: a
 * descriptor, or the path of a file.
 */
export function openLogDestination(to: number | string): LogDestination {
  const { descriptor, prepare } = withoutBlocking(
    typeof to === 'string' ? fs.openSync(to, 'a') : to,
  );
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isWriting = false;

  function add(chunk: Buffer): void {
    waiting.push(chunk);
    waitingBytes += chunk.length;
  }

  function take(): Buffer | undefined {
    const chunk = waiting.shift();
    waitingBytes -= chunk?.length ?? 0;
    return chunk;
  }

  function putBack(chunk: Buffer): void {
    if (chunk.length === 0) return;
    waiting.unshift(chunk);
    waitingBytes += chunk.length;
  }

  function goOn(): void {
    if (isWriting) return;
    const chunk = take();
    if (chunk === undefined) return;
    isWriting = true;
    prepare();
    fs.write(descriptor, chunk, (error, written) => {
      isWriting = false;
      if (error === null) putBack(chunk.subarray(written));
      else if (isPassing(error)) {
        putBack(chunk);
        setTimeout(goOn, TRY_AGAIN_MS).unref();
        return;
      }
      goOn();
    });
  }

  return {
    write(lines) {
      if (waitingBytes > WAITING_BYTES_MAX) return;
      add(Buffer.from(lines));
      goOn();
    },
    writeOut(lines) {
      add(Buffer.from(lines));
      if (isWriting) standStill(UNDER_WAY_MS);
      let tries = 0;
      for (let chunk = take(); chunk !== undefined; chunk = take()) {
        prepare();
        try {
          putBack(chunk.subarray(fs.writeSync(descriptor, chunk)));
        } catch (error) {
          if (!isPassing(error)) continue;
          tries += 1;
          if (tries > LAST_TRIES_MAX) return;
          putBack(chunk);
          standStill(TRY_AGAIN_MS);
        }
      }
    },
  };
}

interface Output {
  readonly descriptor: number;
  /** To be called before each write. */
  readonly prepare: () => void;
}

/**
 * Of a pipe, a socket or a terminal, a descriptor that says at once when it is full: a write that waits for
 * its reader would keep its thread, and the process from ending.
 */
function withoutBlocking(descriptor: number): Output {
  const asItIs = { descriptor, prepare: () => undefined };
  try {
    const kind = fs.fstatSync(descriptor);
    if (kind.isFIFO() || kind.isCharacterDevice())
      return { ...asItIs, descriptor: anew(descriptor) };
    return kind.isSocket() ? ofSocket(descriptor) : asItIs;
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
 * it back, for all.
 */
function ofSocket(descriptor: number): Output {
  const socket: Socket & { readonly _handle?: { setBlocking(on: boolean): void } } = new Socket({
    ...{ fd: descriptor, readable: false, writable: true },
  });
  return { descriptor, prepare: () => socket._handle?.setBlocking(false) };
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function isPassing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR';
}
