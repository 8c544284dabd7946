import type { RecordClient, RecordName } from './record-client.js';
import type { RecordCall } from './record-specification.js';
import type { SeededRandom } from './seeded-random.js';

/** What all clients of a run know together: the versions and holds they were told of. */
export class SharedKnowledge {
  private readonly versions = new Map<RecordName, number>();
  private readonly holds = new Map<RecordName, { readonly id: string; readonly qty: number }[]>();

  constructor(readonly records: readonly RecordName[]) {}

  /** Anything that a client may ask of this record, most of it with a chance to be granted. */
  choose(record: RecordName, random: SeededRandom): RecordCall {
    const holds = this.holds.get(record) ?? [];
    const version = this.versions.get(record) ?? 0;
    const kind = random.int(20);
    if (kind < 4) return { op: 'read' };
    if (kind < 10) return { op: 'reserve', qty: 1 + random.int(3) };
    if (kind < 16 && holds.length > 0) {
      // Seldom one that is over already, or more than it holds.
      const place = random.chance(0.1) ? random.int(holds.length) : holds.length - 1;
      const { id, qty } = holds[place]!;
      if (place === holds.length - 1) holds.pop();
      const part = random.chance(0.2) ? 1 + random.int(3) : qty;
      return { op: random.chance(0.6) ? 'commit' : 'release', reservationId: id, qty: part };
    }
    if (kind === 19) return { op: 'count', onHand: random.int(12), ifMatch: version };
    const delta = random.chance(0.8) ? 1 + random.int(4) : -1 - random.int(2);
    if (random.chance(0.2) && version > 0) return { op: 'adjust', delta, expectedVersion: version };
    return { op: 'adjust', delta };
  }

  learn(record: RecordName, version: number, hold?: { id: string; qty: number }): void {
    this.versions.set(record, version);
    if (hold === undefined) return;
    const holds = this.holds.get(record);
    if (holds === undefined) this.holds.set(record, [hold]);
    else holds.push(hold);
  }
}

/** One client that asks one thing after the other, until it is told to stop. */
export async function runRecordClient(
  client: RecordClient,
  known: SharedKnowledge,
  random: SeededRandom,
  nextKey: () => string | undefined,
): Promise<void> {
  for (let key = nextKey(); key !== undefined; key = nextKey()) {
    const record = random.pick(known.records);
    const input = known.choose(record, random);
    const keyed = input.op !== 'read' && random.chance(0.5);
    const answer = await client.call(record, input, keyed ? key : undefined);
    if (answer?.kind !== 'record') continue;
    const { version, reservationId: id } = answer;
    known.learn(
      record,
      version,
      id !== undefined && input.op === 'reserve' ? { id, qty: input.qty } : undefined,
    );
  }
}
