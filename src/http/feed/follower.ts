import type { Writable } from 'node:stream';
import type { Timers } from '../../system.js';
import type { FramePages } from './frame-pages.js';
import { HEARTBEAT } from './frames.js';
import type { RecentFrames } from './recent-frames.js';

/** One stream to one client. */
export interface Follower {
  /** Sends what has come since, as far as the client keeps up. */
  pump(): void;
  /** A heartbeat, where nothing was sent since the last one. */
  beat(): void;
  /** Ends the stream in good order. */
  end(): void;
  /** Resolves once the stream is over; rejects where the log could not be read. */
  readonly over: Promise<void>;
}

export interface FollowerDeps {
  readonly response: Writable;
  /** The sequence of the last event that the client has. */
  readonly after: number;
  readonly recent: RecentFrames;
  readonly pages: FramePages;
  readonly timers: Timers;
  /** A client that takes nothing for so long is cut off. */
  readonly stallMs: number;
}

/**
 * What a client does not take waits on disk, not here: nothing is read for it, or rendered, before
 * it has taken the chunk before.
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
    // A client may have gone before it got its first byte.
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
      // What a client does not take now must not keep the server from stopping: it will resume.
      if (state === 'blocked') response.destroy();
      else response.end();
      state = 'over';
    },
    over,
  };
}
