import { describe, expect, it } from 'vitest';
import { cloudEventsSchema, feedPageSchema } from '../../src/http/schemas/response-schemas.js';
import {
  type Edge,
  expectProblem,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const FEED = '/api/events';
const BATCH = 'application/cloudevents-batch+json';

async function edgeWithEvents(count: number): Promise<Edge> {
  const edge = await startEdge();
  for (let index = 1; index <= count; index += 1) await edge.stock(`SKU${index}`, index);
  return edge;
}

const sequencesOf = (items: readonly { readonly sequence: number }[]) =>
  items.map(({ sequence }) => sequence);

describe('a page of the feed', () => {
  it('has what happened behind a position, in order, and says where the next one begins', async () => {
    const edge = await edgeWithEvents(5);

    const first = await edge.get(`${FEED}?limit=3`);
    const second = await edge.get(`${FEED}?after=${first.body.nextAfter}&limit=3`);
    const third = await edge.get(`${FEED}?after=${second.body.nextAfter}`);

    for (const { body } of [first, second, third]) expectShape(feedPageSchema, body);
    expect(sequencesOf(first.body.items)).toEqual([1, 2, 3]);
    expect(sequencesOf(second.body.items)).toEqual([4, 5]);
    expect(third.body).toEqual({ items: [], nextAfter: 5 });
  });

  it('begins at the beginning, with a hundred, where nobody says otherwise', async () => {
    const edge = await edgeWithEvents(101);

    const { body } = await edge.get(FEED);

    expect(body.items).toHaveLength(100);
    expect(body.items[0].sequence).toBe(1);
  });

  it('tells of an event what the history of its record tells', async () => {
    const edge = await startEdge();
    const adjusted = { delta: 9, reason: 'delivery', reference: 'note-1' };
    await edge.post(`${recordPath('A')}/adjust`, adjusted);
    await edge.post(`${recordPath('A')}/reserve`, { qty: 2, reference: 'order-7' });

    const history = await edge.get(`${recordPath('A')}/events`);
    const { body } = await edge.get(FEED);

    expect(body.items).toEqual([...history.body.items].reverse());
  });

  it('has refusals that were recorded: they move nothing, but have their place', async () => {
    const edge = await edgeWithEvents(1);
    const key = { 'Idempotency-Key': 'K' };
    await edge.post(`${recordPath('SKU1')}/reserve`, { qty: 5 }, key);

    const { body } = await edge.get(`${FEED}?after=1`);

    expect(body.items).toEqual([
      { sequence: 2, type: 'RequestRefused', at: '2025-11-03T09:30:00.000Z', lines: [] },
    ]);
  });

  it('names the data that it is from, and how far that has come', async () => {
    const edge = await edgeWithEvents(4);

    const { headers } = await edge.get(`${FEED}?limit=1`);

    expect(headers).toMatchObject({
      'inventory-node': 'memory',
      'inventory-sequence': '4',
      vary: 'Accept',
      'cache-control': 'no-cache',
    });
  });

  it('is empty where nothing has happened', async () => {
    const edge = await startEdge();

    const { status, body, headers } = await edge.get(FEED);

    expect({ status, body }).toEqual({ status: 200, body: { items: [], nextAfter: 0 } });
    expect(headers['inventory-sequence']).toBe('0');
  });

  it('refuses a position that the log has not reached: it must be from another one', async () => {
    const edge = await edgeWithEvents(2);

    const reply = await edge.get(`${FEED}?after=3`);

    expectProblem(reply, 409, 'position-ahead');
    expect(reply.body).toMatchObject({ after: 3, sequence: 2 });
    expect(reply.headers).toMatchObject({ 'inventory-node': 'memory', 'inventory-sequence': '2' });
  });

  it.each(['-1', '01', '1.5', '1e3', 'x', '', '9007199254740993', '99999999999999999'])(
    'refuses the position %j',
    async (after) => {
      const edge = await startEdge();
      expectProblem(await edge.get(`${FEED}?after=${after}`), 400, 'validation-failed');
    },
  );

  it.each(['0', '1001', '-1', 'x', ''])('refuses the limit %j', async (limit) => {
    const edge = await startEdge();
    expectProblem(await edge.get(`${FEED}?limit=${limit}`), 400, 'validation-failed');
  });

  it.each(['cursor=1', 'after=1&after=2', 'from=1'])('refuses the query %s', async (query) => {
    const edge = await edgeWithEvents(2);
    expectProblem(await edge.get(`${FEED}?${query}`), 400, 'validation-failed');
  });

  it('answers HEAD as it answers GET, without the page', async () => {
    const edge = await edgeWithEvents(2);

    const got = await edge.get(FEED);
    const head = await edge.call('HEAD', FEED);

    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' });
    for (const name of ['inventory-node', 'inventory-sequence', 'content-length', 'vary']) {
      expect(head.headers[name], name).toBe(got.headers[name]);
    }
  });

  it('takes no other method', async () => {
    const edge = await startEdge();
    const reply = await edge.post(FEED, {});
    expectProblem(reply, 405, 'method-not-allowed');
    expect(reply.headers['allow']).toBe('GET, HEAD');
  });
});

describe('a batch of CloudEvents', () => {
  it('wraps the events, and links to the next batch', async () => {
    const edge = await edgeWithEvents(3);

    const first = await edge.get(`${FEED}?limit=2`, { Accept: BATCH });

    expect(first.headers['content-type']).toBe(BATCH);
    expectShape(cloudEventsSchema, first.body);
    expect(first.headers['link']).toBe('</api/events?after=2&limit=2>; rel="next"');
    const page = await edge.get(`${FEED}?limit=2`);
    const items: { sequence: number; type: string; at: string }[] = page.body.items;
    expect(first.body).toEqual(
      items.map((data) => ({
        specversion: '1.0',
        id: String(data.sequence),
        source: '/nodes/memory',
        type: `inventory.${data.type}`,
        time: data.at,
        datacontenttype: 'application/json',
        data,
      })),
    );
    const second = await edge.get(`${FEED}?after=2&limit=2`, { Accept: BATCH });
    expect(second.body).toHaveLength(1);
  });

  it('is empty at the end, and links to where it goes on', async () => {
    const edge = await edgeWithEvents(3);

    const { body, headers } = await edge.get(`${FEED}?after=3`, { Accept: BATCH });

    expect(body).toEqual([]);
    expect(headers['link']).toBe('</api/events?after=3&limit=100>; rel="next"');
  });
});

describe('the form of the feed', () => {
  it.each([
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json;q=0.1, application/cloudevents-batch+json', BATCH],
    ['application/json, application/cloudevents-batch+json;q=0.5', 'application/json'],
    ['text/html, */*;q=0.1', 'application/json'],
  ])('for those who accept %s is %s', async (accept, type) => {
    const edge = await startEdge();
    const { headers } = await edge.get(FEED, { Accept: accept });
    expect(headers['content-type']).toBe(type);
  });

  it.each(['text/html', 'application/xml', 'application/json;q=0', 'nonsense'])(
    'for those who accept %s is none',
    async (accept) => {
      const edge = await startEdge();
      const reply = await edge.get(FEED, { Accept: accept });
      expectProblem(reply, 406, 'not-acceptable');
      expect(reply.body.detail).toContain('application/json');
      expect(reply.headers['vary']).toBe('Accept');
    },
  );
});

describe('the list of what a store has', () => {
  it('says up to which event it shows everything', async () => {
    const edge = await edgeWithEvents(3);

    const list = await edge.get('/api/inventory/stores/STORE001/inventory');
    await edge.stock('SKU4', 4);
    const { body } = await edge.get(`${FEED}?after=${list.headers['inventory-sequence']}`);

    expect(list.headers['inventory-sequence']).toBe('3');
    expect(sequencesOf(body.items)).toEqual([4]);
  });
});
