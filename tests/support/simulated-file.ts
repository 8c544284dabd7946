import type { SeededRandom } from './seeded-random.js';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

/**
 * A file as a machine has it: what its processes see (the page cache), and what the disk holds. A
 * sync makes them equal; a power loss leaves the disk's, with any subset of what was on its way.
 */
export class SimulatedFile {
  private seen: Buffer = Buffer.alloc(0);
  private kept: Buffer = Buffer.alloc(0);
  /** The sectors that are on their way to the disk, and whether the size is. */
  private readonly dirty = new Set<number>();
  private sizeDirty = false;

  get size(): number {
    return this.seen.length;
  }

  get bytes(): Buffer {
    return Buffer.from(this.seen);
  }

  read(buffer: Uint8Array, position: number): number {
    return position >= this.size ? 0 : this.seen.copy(buffer, 0, position);
  }

  append(bytes: Uint8Array): void {
    this.markDirty(this.size, this.size + bytes.length);
    this.seen = Buffer.concat([this.seen, bytes]);
    this.sizeDirty = true;
  }

  overwrite(bytes: Uint8Array): void {
    const behind = this.seen.subarray(bytes.length);
    if (bytes.length > this.size) this.sizeDirty = true;
    this.markDirty(0, bytes.length);
    this.seen = Buffer.concat([bytes, behind]);
  }

  truncate(size: number): void {
    const longer = Buffer.alloc(Math.max(0, size - this.size));
    this.seen = Buffer.concat([this.seen.subarray(0, size), longer]);
    this.sizeDirty = true;
  }

  sync(): void {
    this.kept = this.reached(this.size, () => true);
    this.settle();
  }

  /**
   * A sync that fails: some of it reached the disk, and the rest never will, since the page cache
   * counts it as clean from now on. Processes still see it.
   */
  syncInVain(random: SeededRandom): void {
    this.kept = this.afterPowerLoss(random);
    this.settle();
  }

  losePower(random: SeededRandom): void {
    this.kept = this.afterPowerLoss(random);
    this.seen = Buffer.from(this.kept);
    this.settle();
  }

  private settle(): void {
    this.dirty.clear();
    this.sizeDirty = false;
  }

  private markDirty(from: number, to: number): void {
    for (let at = from - (from % SECTOR_BYTES); at < to; at += SECTOR_BYTES) this.dirty.add(at);
  }

  private afterPowerLoss(random: SeededRandom): Buffer {
    return this.reached(sizeBetween(this.kept, this.seen, random), () => random.chance(0.5));
  }

  /** What the disk holds when some of what is on its way has reached it. */
  private reached(newSize: number, chosen: (sector: number) => boolean): Buffer {
    const content = Buffer.alloc(this.sizeDirty ? newSize : this.kept.length);
    this.kept.copy(content);
    for (const at of this.dirty) {
      if (!chosen(at) || at >= content.length || at >= this.size) continue;
      this.seen.copy(content, at, at, at + SECTOR_BYTES);
    }
    return content;
  }
}

/** Any size between the two; the ends are what happens most. */
function sizeBetween(a: Buffer, b: Buffer, random: SeededRandom): number {
  const low = Math.min(a.length, b.length);
  const high = Math.max(a.length, b.length);
  return random.pick([low, high, low + random.int(high - low + 1)]);
}
