import type { AggregateEvent } from '../../src/domain/aggregate.js';
import type { EventSource, SourcePage } from '../../src/sync/event-source.js';
import { SourceError } from '../../src/sync/source-error.js';

export interface ScriptedSource extends EventSource {
  /** What it has: one event each, of store S1 and its own SKU. */
  events: AggregateEvent[];
  nodeId: string;
  /** Rejects while this is set. */
  down: boolean;
  /** Answers nothing while this is set. */
  frozen: boolean;
  readonly reads: { readonly after: number; readonly atMs: number }[];
  /** Reads that are under way at the same time, at the most. */
  readonly atOnce: number;
  /** One more event, of a type. */
  add(delta: number, type?: string): void;
}

/** A source that does as a test tells it. */
export function createScriptedSource(name: string, nowMs: () => number): ScriptedSource {
  const events: AggregateEvent[] = [];
  let underWay = 0;
  const source = {
    name,
    url: `http://${name}.example/`,
    events,
    nodeId: `node-${name}`,
    down: false,
    frozen: false,
    reads: [] as { after: number; atMs: number }[],
    atOnce: 0,
    add(delta: number, type = 'StockAdjusted') {
      const sequence = source.events.length + 1;
      const line = { storeId: 'S1', sku: 'A', version: sequence, onHandDelta: delta };
      const at = nowMs();
      source.events.push({ sequence, type, at, lines: [{ ...line, reservedDelta: 0 }] });
    },
    async read(after: number, limit: number, signal: AbortSignal): Promise<SourcePage> {
      source.reads.push({ after, atMs: nowMs() });
      underWay += 1;
      source.atOnce = Math.max(source.atOnce, underWay);
      try {
        if (source.frozen) await aborted(signal);
        await Promise.resolve();
        if (source.down) throw new SourceError('the source cannot be reached');
        const items = source.events.slice(after, after + limit).map((event) => {
          return { sequence: event.sequence, event };
        });
        return { nodeId: source.nodeId, items, head: source.events.length };
      } finally {
        underWay -= 1;
      }
    },
  };
  return source;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new SourceError('the source did not answer in time'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  });
}
