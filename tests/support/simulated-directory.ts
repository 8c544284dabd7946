import type { SeededRandom } from './seeded-random.js';
import type { SimulatedFile } from './simulated-file.js';

export type Entry = SimulatedFile | SimulatedDirectory;

/** One creation, removal or rename: what it made of which names, all of it or nothing. */
type Change = readonly (readonly [name: string, entry: Entry | undefined])[];

/** A directory as its processes see it, and as the disk holds it. */
export class SimulatedDirectory {
  private readonly seen = new Map<string, Entry>();
  private readonly kept = new Map<string, Entry>();
  /** What is not synced yet, in order. */
  private readonly underWay: Change[] = [];

  get names(): readonly string[] {
    return [...this.seen.keys()];
  }

  get(name: string): Entry | undefined {
    return this.seen.get(name);
  }

  change(change: Change): void {
    apply(this.seen, change);
    this.underWay.push(change);
  }

  sync(): void {
    for (const change of this.underWay.splice(0)) apply(this.kept, change);
  }

  /** A sync that fails: names are in the journal of a file system, which forgets none of them. */
  syncInVain(): void {
    // They are still under way.
  }

  syncAll(): void {
    this.sync();
    for (const entry of this.seen.values()) {
      if (entry instanceof SimulatedDirectory) entry.syncAll();
      else entry.sync();
    }
  }

  *allFiles(path: string): Iterable<[path: string, bytes: Buffer]> {
    for (const [name, entry] of this.seen) {
      if (entry instanceof SimulatedDirectory) yield* entry.allFiles(`${path}/${name}`);
      else yield [`${path}/${name}`, entry.bytes];
    }
  }

  /** Any subset of what was not synced has reached the disk. */
  losePower(random: SeededRandom): void {
    for (const change of this.underWay.splice(0)) {
      if (random.chance(0.5)) apply(this.kept, change);
    }
    this.seen.clear();
    for (const [name, entry] of this.kept) {
      this.seen.set(name, entry);
      entry.losePower(random);
    }
  }
}

function apply(entries: Map<string, Entry>, change: Change): void {
  for (const [name, entry] of change) {
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
}
