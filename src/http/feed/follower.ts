import type { Writable } from 'node:stream';
import type { Timers } from '../../system.js';
import type { FramePages } from './frame-pages.js';
import { HEARTBEAT } from './frames.js';
import type { RecentFrames } from './recent-frames.js';

/** One stream to one client. */
export interface Follower {
  /** Sends new events, as far as the client keeps up. */
  pump(): void;
  /** Sends a heartbeat if nothing was sent since the last call. */
  beat(): void;
  /** Ends the stream; cuts it off if the client has not taken all that was sent. */
  end(): void;
  /** Resolves once the stream is over; rejects if the log could not be read. */
  readonly over: Promise<void>;
}

export interface FollowerDeps {
  readonly response: Writable;
  /** The sequence of the last event that the client has. */
  readonly after: number;
  readonly recent: RecentFrames;
  readonly pages: FramePages;
  readonly timers: Timers;
  /** How long a client may take, in ms, to read all that was sent before it is cut off. */
  readonly stallMs: number;
}

/**
 * Backpressure: what a client has not taken waits on disk, not in memory. Nothing is read or
 * rendered for it before it has taken the previous chunk.
 */
export function createFollower(deps: FollowerDeps): Follower {
  const { response, recent, pages, timers, stallMs } = deps;
  let position = deps.after;
  let state: 'ready' | 'reading' | 'blocked' | 'over' = 'ready';
  let isQuiet = true;
  let forgiveStall = (): void => undefined;
  let fail!: (error: unknown) => void;

  const over = new Promise<void>((resolve, reject) => {
    fail = reject;
    const leave = (): void => {
      state = 'over';
      forgiveStall();
      resolve();
    };
    // The client may have disconnected before its first byte was sent.
    if (response.destroyed) leave();
    else response.once('close', leave);
  });
  response.on('drain', () => {
    forgiveStall();
    if (state !== 'blocked') return;
    state = 'ready';
    pump();
  });

  function write(bytes: Buffer | string): void {
    isQuiet = false;
    if (response.write(bytes)) return;
    state = 'blocked';
    forgiveStall = timers.after(stallMs, () => response.destroy());
  }

  function pump(): void {
    while (state === 'ready') {
      const chunk = recent.after(position);
      if (chunk === 'nothing') return;
      if (chunk === 'too-old') {
        state = 'reading';
        readPage().catch(fail);
        return;
      }
      position = chunk.last;
      write(chunk.bytes);
    }
  }

  async function readPage(): Promise<void> {
    const page = await pages.after(position);
    if (state !== 'reading') return;
    state = 'ready';
    if (page === undefined) return;
    position = page.last;
    write(page.bytes);
    pump();
  }

  return {
    pump,
    beat() {
      if (isQuiet && state === 'ready') write(HEARTBEAT);
      isQuiet = true;
    },
    end() {
      if (state === 'over') return;
      // A client that does not read must not keep the server from stopping: it will resume.
      if (state === 'blocked') response.destroy();
      else response.end();
      state = 'over';
    },
    over,
  };
}
