import { FoldState } from '../support/fold-state.js';
import type { Exchanged } from '../support/http-connection.js';
import { eventsOnDisk } from '../support/log-on-disk.js';
import type { RecordName } from '../support/record-client.js';
import type { RecordCall } from '../support/record-specification.js';

/** A call, as it has to be repeated. */
export interface Asked {
  readonly record: RecordName;
  readonly input: RecordCall;
  readonly key?: string;
}

/** What the clients of servers that are killed were told. */
export class CrashLedger {
  /** The sequence of each acknowledged write, and whether it had a key. */
  private readonly acknowledged = new Map<number, { readonly keyed: boolean }>();
  private readonly answers = new Map<string, string>();
  private unknownWithoutKey = 0;
  /** Those with a key that nobody heard of again, to be asked again. */
  private unheard: Asked[] = [];
  private readonly everUnheard = new Set<string>();
  readonly counts = { acknowledged: 0, unknown: 0, replays: 0 };

  told(asked: Asked, { status, text, replayed }: Exchanged): void {
    const { key } = asked;
    if (status === 429 || status === 503) {
      // This attempt has not happened; one before it may have.
      if (this.isUnheard(asked)) this.unheard.push(asked);
      return;
    }
    if (key !== undefined) {
      const before = this.answers.get(key);
      if (before !== undefined && before !== text) {
        throw new Error(`${key} was answered twice: ${before}, then ${text}`);
      }
      this.answers.set(key, text);
      if (replayed) this.counts.replays += 1;
    }
    const { sequence } = JSON.parse(text) as { readonly sequence?: number };
    if (sequence === undefined) return;
    const known = this.acknowledged.get(sequence);
    if (known !== undefined && !(known.keyed && replayed)) {
      throw new Error(`event ${sequence} was acknowledged twice`);
    }
    if (known === undefined) this.counts.acknowledged += 1;
    this.acknowledged.set(sequence, { keyed: key !== undefined });
  }

  unheardOf(asked: Asked): void {
    this.counts.unknown += 1;
    if (asked.key === undefined) {
      if (asked.input.op !== 'read') this.unknownWithoutKey += 1;
      return;
    }
    this.everUnheard.add(asked.key);
    this.unheard.push(asked);
  }

  private isUnheard({ key }: Asked): boolean {
    return key !== undefined && this.everUnheard.has(key) && !this.answers.has(key);
  }

  /** What was never answered, and will be asked again now. */
  takeUnheard(): readonly Asked[] {
    const unheard = this.unheard.filter((asked) => this.isUnheard(asked));
    this.unheard = [];
    return unheard;
  }

  /** Compares what was told with what is on disk; the state that follows from that. */
  check(dataDir: string): FoldState {
    const events = eventsOnDisk(dataDir);
    const fold = new FoldState();
    const digests = new Set<string>();
    let withoutKey = 0;
    for (const event of events) {
      const changes = fold.apply(event);
      if ('breach' in changes) throw new Error(`event ${event.sequence}: ${changes.what}`);
      if (event.request === undefined) withoutKey += 1;
      else if (digests.has(event.request.key)) throw new Error(`a key has two effects`);
      else digests.add(event.request.key);
    }
    for (const [sequence, { keyed }] of this.acknowledged) {
      const event = events[sequence - 1];
      if (event === undefined) throw new Error(`event ${sequence} was acknowledged and is lost`);
      if (keyed !== (event.request !== undefined)) throw new Error(`event ${sequence} is another`);
    }
    if (digests.size < this.answers.size) {
      throw new Error(`${this.answers.size} keys were answered, ${digests.size} are in the log`);
    }
    const told = [...this.acknowledged.values()].filter(({ keyed }) => !keyed).length;
    if (withoutKey < told || withoutKey > told + this.unknownWithoutKey) {
      throw new Error(`${withoutKey} effects without a key, ${told} were acknowledged`);
    }
    if (this.unheard.length === 0 && digests.size !== this.answers.size) {
      throw new Error(`${digests.size} keys have effects, ${this.answers.size} were answered`);
    }
    return fold;
  }
}
