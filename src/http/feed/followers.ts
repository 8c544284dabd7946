import type { Writable } from 'node:stream';
import type { DurableLog } from '../../application/ports.js';
import { UnavailableError } from '../../domain/errors.js';
import type { InventoryEvent } from '../../domain/events.js';
import type { Clock, Timers } from '../../system.js';
import { type Follower, createFollower } from './follower.js';
import { createFramePages } from './frame-pages.js';
import { frameOf } from './frames.js';
import { RecentFrames } from './recent-frames.js';

export interface FeedLimits {
  readonly followersMax: number;
  readonly heartbeatMs: number;
  /** How long a client may take to read all that was sent before it is cut off; it resumes then. */
  readonly stallMs: number;
  /** How much of the newest events is kept rendered, in characters. */
  readonly recentCharsMax: number;
}

export const feedLimits: FeedLimits = {
  followersMax: 1_000,
  heartbeatMs: 10_000,
  stallMs: 30_000,
  recentCharsMax: 4 * 1024 * 1024,
};

/** After a round the feed rests for this many times its length, and no longer than the maximum. */
const REST_FACTOR = 9;
const REST_MS_MAX = 200;
const TOO_MANY_RETRY_MS = 5_000;

/** All clients that follow the feed as a stream. */
export interface Followers {
  /**
   * Sends every event after `after`, present and future; resolves once the stream is over, rejects
   * if the log could not be read. Does not check for room: call `assertRoom` before.
   */
  add(response: Writable, after: number): Promise<void>;
  /** Ends all streams; one that is added later ends at once. */
  end(): void;
  /** Throws UnavailableError 'overloaded' if there are `followersMax` streams already. */
  assertRoom(): void;
}

export function createFollowers(deps: {
  readonly log: DurableLog;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits?: FeedLimits | undefined;
}): Followers {
  const { log, clock, timers, limits = feedLimits } = deps;
  const followers = new Set<Follower>();
  const pages = createFramePages(log);
  let recent = new RecentFrames(0, 0);
  /** Durable events that are not rendered yet. */
  let news: InventoryEvent[] = [];
  let isRoundDue = false;
  let restUntilMs = 0;
  let hasEnded = false;
  let stopListening = (): void => undefined;
  let stopBeating = (): void => undefined;

  /** Called while writers wait for their answers: all other work is deferred. */
  function take(event: InventoryEvent): void {
    news.push(event);
    if (isRoundDue) return;
    isRoundDue = true;
    const restMs = restUntilMs - clock.monotonicMs();
    if (restMs > 0) timers.after(Math.ceil(restMs), round);
    else timers.immediate(round);
  }

  function round(): void {
    isRoundDue = false;
    const startedMs = clock.monotonicMs();
    for (const event of news) recent.push(frameOf(event));
    news = [];
    for (const follower of followers) follower.pump();
    const endedMs = clock.monotonicMs();
    restUntilMs = endedMs + Math.min(REST_MS_MAX, REST_FACTOR * (endedMs - startedMs));
  }

  function beat(): void {
    for (const follower of followers) follower.beat();
    stopBeating = timers.after(limits.heartbeatMs, beat);
  }

  function listen(): void {
    recent = new RecentFrames(log.durableSequence(), limits.recentCharsMax);
    stopListening = log.onDurable(take);
    stopBeating = timers.after(limits.heartbeatMs, beat);
  }

  function rest(): void {
    stopListening();
    stopBeating();
    recent = new RecentFrames(0, 0);
    news = [];
  }

  return {
    assertRoom() {
      if (followers.size < limits.followersMax) return;
      throw new UnavailableError('overloaded', TOO_MANY_RETRY_MS);
    },
    async add(response, after) {
      if (followers.size === 0) listen();
      const { stallMs } = limits;
      const follower = createFollower({ response, after, recent, pages, timers, stallMs });
      followers.add(follower);
      try {
        if (hasEnded) follower.end();
        else follower.pump();
        await follower.over;
      } finally {
        followers.delete(follower);
        if (followers.size === 0) rest();
      }
    },
    end() {
      hasEnded = true;
      for (const follower of followers) follower.end();
    },
  };
}
