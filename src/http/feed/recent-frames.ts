import type { Chunk } from './frames.js';

/** How much goes out in one write, in characters; a single frame may be larger. */
const CHUNK_CHARS_MAX = 64 * 1024;
/** So many forgotten frames are dropped from the list in one go. */
const FORGOTTEN_MAX = 1_024;

/**
 * The newest frames, rendered once for all who follow: as many as fit. Whoever is further back
 * than that reads from disk.
 */
export class RecentFrames {
  private readonly frames: string[] = [];
  /** How many at the head of `frames` are forgotten. */
  private forgotten = 0;
  private chars = 0;
  private shared: (Chunk & { readonly after: number }) | undefined;

  /** Nothing yet: the next frame is of the event behind `last`. */
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

  /** What comes behind `position`: some of it; nothing yet; or more than is kept. */
  after(position: number): Chunk | 'nothing' | 'too-old' {
    if (position >= this.last) return 'nothing';
    const start = this.frames.length - (this.last - position);
    if (start < this.forgotten) return 'too-old';
    // Most who follow stand at the same place.
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
