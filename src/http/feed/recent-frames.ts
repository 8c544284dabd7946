import type { Chunk } from './frames.js';

/** Size of one write, in characters; the last frame may exceed it. */
const CHUNK_CHARS_MAX = 64 * 1024;
/** Evicted frames are removed from the list once there are this many of them. */
const FORGOTTEN_MAX = 1_024;

/**
 * The newest frames, as many as fit, rendered once for all followers. A follower that is further
 * behind reads from disk.
 */
export class RecentFrames {
  private readonly frames: string[] = [];
  /** How many frames at the head of `frames` are evicted. */
  private forgotten = 0;
  private chars = 0;
  private shared: (Chunk & { readonly after: number }) | undefined;

  /** Empty: the first frame to be pushed is of the event after `last`. */
  constructor(
    private last: number,
    private readonly charsMax: number,
  ) {}

  push(frame: string): void {
    this.frames.push(frame);
    this.last += 1;
    this.chars += frame.length;
    while (this.chars > this.charsMax) {
      this.chars -= this.frames[this.forgotten]?.length ?? 0;
      this.frames[this.forgotten] = '';
      this.forgotten += 1;
    }
    if (this.forgotten < FORGOTTEN_MAX) return;
    this.frames.splice(0, this.forgotten);
    this.forgotten = 0;
  }

  /** The next frames after `position`; 'nothing': none yet; 'too-old': they are evicted. */
  after(position: number): Chunk | 'nothing' | 'too-old' {
    if (position >= this.last) return 'nothing';
    const start = this.frames.length - (this.last - position);
    if (start < this.forgotten) return 'too-old';
    // Most followers are at the same position.
    if (this.shared?.after === position) return this.shared;
    let end = start;
    let chars = 0;
    while (end < this.frames.length && (end === start || chars < CHUNK_CHARS_MAX)) {
      chars += this.frames[end]?.length ?? 0;
      end += 1;
    }
    const bytes = Buffer.from(this.frames.slice(start, end).join(''));
    this.shared = { after: position, bytes, last: position + end - start };
    return this.shared;
  }
}
