import { createStockClient } from './stock-client.js';

interface FeedEvent {
  readonly sequence: number;
  readonly lines: readonly {
    readonly storeId: string;
    readonly sku: string;
    readonly onHandDelta: number;
    readonly reservedDelta: number;
  }[];
}

/** `storeId/sku` → on hand and reserved. */
export type Totals = ReadonlyMap<string, string>;

export interface AsOf {
  readonly sequence: number;
  readonly sources: readonly {
    readonly name: string;
    readonly sequence: number;
    readonly at: string | null;
    readonly ageMs: number | null;
  }[];
}

/** All events of a node's feed, in order. */
export async function allEvents(url: string): Promise<readonly FeedEvent[]> {
  const events: FeedEvent[] = [];
  for (;;) {
    const after = events.at(-1)?.sequence ?? 0;
    const response = await fetch(`${url}/api/events?after=${after}&limit=1000`);
    const { items } = (await response.json()) as { items: FeedEvent[] };
    if (items.length === 0) return events;
    events.push(...items);
  }
}

/** What the events up to a sequence add up to, written without the service's own fold. */
export function totalsOf(events: readonly FeedEvent[], upTo = Infinity): Totals {
  const sums = new Map<string, { onHand: number; reserved: number }>();
  for (const { sequence, lines } of events) {
    if (sequence > upTo) break;
    for (const { storeId, sku, onHandDelta, reservedDelta } of lines) {
      const key = `${storeId}/${sku}`;
      const before = sums.get(key) ?? { onHand: 0, reserved: 0 };
      sums.set(key, {
        onHand: before.onHand + onHandDelta,
        reserved: before.reserved + reservedDelta,
      });
    }
  }
  return new Map([...sums].map(([key, sum]) => [key, `${sum.onHand} ${sum.reserved}`]));
}

/** What a node's central view says of some SKUs, by source, and how far each is folded. */
export async function centralView(
  url: string,
  skus: readonly string[],
): Promise<{ readonly sources: ReadonlyMap<string, Totals>; readonly asOf: AsOf }> {
  const sources = new Map<string, Map<string, string>>();
  let asOf: AsOf | undefined;
  for (const sku of skus) {
    const answer = await createStockClient(url).send('GET', `/api/inventory/skus/${sku}`);
    if (answer?.status !== 200) throw new Error(`${sku}: ${JSON.stringify(answer)}`);
    const body = answer.body as unknown as {
      readonly total: { readonly onHand: number; readonly reserved: number };
      readonly stores: readonly {
        source: string;
        storeId: string;
        onHand: number;
        reserved: number;
      }[];
      readonly asOf: AsOf;
    };
    asOf = body.asOf;
    let onHand = 0;
    let reserved = 0;
    for (const store of body.stores) {
      const totals = sources.get(store.source) ?? new Map<string, string>();
      sources.set(store.source, totals);
      totals.set(`${store.storeId}/${sku}`, `${store.onHand} ${store.reserved}`);
      onHand += store.onHand;
      reserved += store.reserved;
    }
    if (onHand !== body.total.onHand || reserved !== body.total.reserved) {
      throw new Error(`the total of ${sku} is not the sum of its stores`);
    }
  }
  return { sources, asOf: asOf! };
}
