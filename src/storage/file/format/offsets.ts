/** Where each event of one segment starts: 4 bytes per event, whatever its size. */
export class Offsets {
  private starts = new Uint32Array(1_024);
  private length = 0;

  /** `first`: the sequence of the segment's first event. */
  constructor(readonly first: number) {}

  get count(): number {
    return this.length;
  }

  get last(): number {
    return this.first + this.length - 1;
  }

  push(offset: number): void {
    if (this.length === this.starts.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.starts);
      this.starts = larger;
    }
    this.starts[this.length] = offset;
    this.length += 1;
  }

  /** The byte offset of the line of `sequence`; undefined: it is not in this segment. */
  of(sequence: number): number | undefined {
    const index = sequence - this.first;
    return index >= 0 && index < this.length ? this.starts[index] : undefined;
  }
}
