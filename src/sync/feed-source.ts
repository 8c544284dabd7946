import { z } from 'zod';
import type { CallOut, CallTrace } from '../application/outgoing-call.js';
import type { Timers } from '../system.js';
import type { EventSource, SourcePage } from './event-source.js';
import { readItem, unreadablePage } from './feed-items.js';
import { OtherDataError, SourceError } from './source-error.js';

/** How long one page may take, from the request to its last byte, in ms. */
const PAGE_MS_MAX = 5_000;
/** A page is about 1 MiB; one event of a large batch may be a little more. */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;

const FEED = 'api/events';

const pageSchema = z.object({ items: z.array(z.unknown()) });
const headSchema = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** The feed of another node (`GET /api/events`), a page at a time. */
export function createFeedSource(
  { name, url }: { readonly name: string; readonly url: string },
  { timers, callOut }: { readonly timers: Timers; readonly callOut: CallOut },
): EventSource {
  async function ask(after: number, limit: number, signal: AbortSignal): Promise<Answered> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const cancel = timers.after(PAGE_MS_MAX, abort);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      const page = new URL(`${FEED}?after=${after}&limit=${limit}`, url);
      return await callOut({ method: 'GET', route: `/${FEED}`, url: page }, (trace) =>
        fetchPage(page, controller, trace),
      );
    } catch (error) {
      if (error instanceof SourceError) throw error;
      const why = controller.signal.aborted ? 'did not answer in time' : 'cannot be reached';
      throw new SourceError(`the source ${why}`, { cause: error });
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  return {
    name,
    url,
    async read(after, limit, signal) {
      // Halve a page that cannot be parsed until the broken event stands alone.
      for (let asked = limit; ; asked = Math.ceil(asked / 2)) {
        const { nodeId, head, text } = await ask(after, asked, signal);
        const items = itemsOf(text);
        if (items !== undefined) return pageOf(nodeId, items.map(readItem), { head, after });
        if (asked === 1 && head !== undefined && head <= after) {
          throw new SourceError('the source answered with what is not a page');
        }
        if (asked === 1) return pageOf(nodeId, [unreadablePage(text)], { head, after });
      }
    },
  };
}

interface Answered {
  readonly nodeId: string;
  readonly head: number | undefined;
  readonly text: string;
}

async function fetchPage(
  url: URL,
  controller: AbortController,
  trace: CallTrace,
): Promise<Answered> {
  const { signal } = controller;
  const headers = { accept: 'application/json', ...trace.headers };
  const response = await fetch(url, { signal, headers, redirect: 'error' });
  trace.answered(response.status);
  const nodeId = response.headers.get('inventory-node');
  const head = headSchema.safeParse(response.headers.get('inventory-sequence')).data;
  if (response.status === 409 && nodeId !== null) {
    controller.abort();
    throw new OtherDataError('the log of the source ends before what was folded of it');
  }
  if (response.status !== 200 || nodeId === null) {
    controller.abort();
    const what = response.status === 200 ? 'no node of an inventory' : `status ${response.status}`;
    throw new SourceError(`the source answered as ${what}`);
  }
  return { nodeId, head, text: await textOf(response, controller) };
}

async function textOf(response: Response, controller: AbortController): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes <= PAGE_BYTES_MAX) continue;
    controller.abort();
    throw new SourceError(`the source sent a page of more than ${PAGE_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function itemsOf(text: string): readonly unknown[] | undefined {
  try {
    return pageSchema.safeParse(JSON.parse(text)).data?.items;
  } catch {
    return undefined;
  }
}

function pageOf(
  nodeId: string,
  items: SourcePage['items'],
  known: { readonly head: number | undefined; readonly after: number },
): SourcePage {
  const last = items.at(-1)?.sequence ?? known.after + items.length;
  return { nodeId, items, head: known.head ?? last };
}
