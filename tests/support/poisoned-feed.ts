import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An element of a page of the feed, as JSON has it. */
export type FeedItem = Record<string, unknown> & { readonly sequence: number };

export interface PoisonedFeed {
  readonly url: string;
  /** What arrives instead of an element; nothing, where it is lost. By its sequence. */
  readonly poison: Map<number, (item: FeedItem) => readonly unknown[]>;
  /** Takes the place of a whole answer that has this element in it. */
  readonly broken: Map<number, string>;
  /** What was asked for: `after`, `limit`. */
  readonly asked: { readonly after: number; readonly limit: number }[];
  /** The name that it goes by, where it is not its own. */
  nodeId: string | undefined;
  /** Answers with this status instead. */
  status: number | undefined;
  /** The body of every answer, with the headers of the feed. */
  page: string | undefined;
}

/** Stands between a central node and the feed of a real service, and spoils what passes. */
export async function startPoisonedFeed(upstream: string): Promise<PoisonedFeed> {
  const feed = {
    poison: new Map<number, (item: FeedItem) => readonly unknown[]>(),
    broken: new Map<number, string>(),
    asked: [] as { after: number; limit: number }[],
    nodeId: undefined as string | undefined,
    status: undefined as number | undefined,
    page: undefined as string | undefined,
  };

  const spoil = (item: FeedItem): readonly unknown[] =>
    feed.poison.get(item.sequence)?.(item) ?? [item];

  async function answerTo(path: string) {
    const { searchParams } = new URL(path, upstream);
    feed.asked.push({
      after: Number(searchParams.get('after')),
      limit: Number(searchParams.get('limit')),
    });
    const response = await fetch(upstream + path);
    const text = await response.text();
    const headers = {
      'inventory-node': feed.nodeId ?? response.headers.get('inventory-node') ?? '',
      'inventory-sequence': response.headers.get('inventory-sequence') ?? '',
    };
    const { items = [] } = JSON.parse(text) as { items?: readonly FeedItem[] };
    const whole = JSON.stringify({ ...JSON.parse(text), items: items.flatMap(spoil) });
    const found = items.find(({ sequence }) => feed.broken.has(sequence));
    return {
      status: feed.status ?? response.status,
      headers,
      body: feed.page ?? feed.broken.get(found?.sequence ?? 0) ?? whole,
    };
  }

  const server = createServer((request, response) => {
    answerTo(request.url ?? '').then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(feed, { url: `http://127.0.0.1:${port}/` });
}
