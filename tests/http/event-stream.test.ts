import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Edge, expectProblem, recordPath, startEdge } from '../support/http-edge.js';
import { feedLimits } from '../../src/http/feed/followers.js';
import { idsIn, openStream } from '../support/stream-reader.js';
import { request } from './raw-exchange.js';

const FEED = '/api/events';
const STREAM = { Accept: 'text/event-stream' };

async function edgeWithEvents(count: number, options = {}): Promise<Edge> {
  const edge = await startEdge(options);
  for (let index = 1; index <= count; index += 1) await edge.stock(`SKU${index}`, index);
  return edge;
}

describe('a stream of the feed', () => {
  it('begins with what has happened, and goes on with what comes', async () => {
    const edge = await edgeWithEvents(3);

    const stream = await openStream(edge.port, FEED);
    await stream.received('id: 3\n');
    await edge.stock('NEW', 1);
    await stream.received('id: 4\n');
    await edge.stock('NEWER', 1);
    await stream.received('id: 5\n');

    expect(idsIn(stream.text())).toEqual([1, 2, 3, 4, 5]);
  });

  it('is what a page is, event by event, with the sequence as id', async () => {
    const edge = await edgeWithEvents(2);

    const stream = await openStream(edge.port, FEED);
    await stream.received('id: 2\n');

    const { items } = (await edge.get(FEED)).body as { items: { sequence: number }[] };
    const frames = items.map((item) => `id: ${item.sequence}\ndata: ${JSON.stringify(item)}\n\n`);
    expect(stream.text()).toBe(`retry: 1500\n\n${frames.join('')}`);
  });

  it('says what it is, from which data, and that it is not to be kept or gathered', async () => {
    const edge = await edgeWithEvents(1);

    const { response } = await openStream(edge.port, FEED);

    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'inventory-node': 'memory',
      'inventory-sequence': '1',
      vary: 'Accept',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
  });

  it.each([
    ['behind `after`', '?after=2', {}, [3, 4]],
    ['behind Last-Event-ID', '', { 'Last-Event-ID': '3' }, [4]],
    ['behind Last-Event-ID, whatever `after` says', '?after=1', { 'Last-Event-ID': '3' }, [4]],
    ['at the beginning', '?after=4', { 'Last-Event-ID': '0' }, [1, 2, 3, 4]],
  ])('resumes %s', async (_where, query, headers, expected) => {
    const edge = await edgeWithEvents(4);

    const stream = await openStream(edge.port, FEED + query, headers);
    await stream.received('id: 4\n');

    expect(idsIn(stream.text())).toEqual(expected);
  });

  it('waits at the end for what comes', async () => {
    const edge = await edgeWithEvents(2);
    const stream = await openStream(edge.port, FEED, { 'Last-Event-ID': '2' });

    await edge.stock('NEW', 1);
    await stream.received('id: 3\n');

    expect(idsIn(stream.text())).toEqual([3]);
  });

  it.each(['-1', 'x', '1.5', '01', '9007199254740993', '1, 2'])(
    'refuses the Last-Event-ID %j',
    async (id) => {
      const edge = await edgeWithEvents(1);
      const reply = await edge.get(FEED, { ...STREAM, 'Last-Event-ID': id });
      expectProblem(reply, 400, 'validation-failed');
    },
  );

  it('refuses a limit, which it would not keep', async () => {
    const edge = await edgeWithEvents(1);
    const reply = await edge.get(`${FEED}?limit=5`, STREAM);
    expectProblem(reply, 400, 'validation-failed');
  });

  it('refuses a position that the log has not reached', async () => {
    const edge = await edgeWithEvents(1);
    const reply = await edge.get(FEED, { ...STREAM, 'Last-Event-ID': '2' });
    expectProblem(reply, 409, 'position-ahead');
  });

  it('is the last of its connection: nothing that is sent behind it is executed', async () => {
    const edge = await edgeWithEvents(1);
    const socket = connect(edge.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const write = { 'Content-Type': 'application/json' };
    socket.write(
      Buffer.concat([
        request(`GET ${FEED}`, STREAM),
        request(`POST ${recordPath('SKU1')}/adjust`, write, '{"delta":5}'),
      ]),
    );
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('id: 1\n')) break;
    }
    await edge.stock('SKU2', 1);

    expect((await edge.get(recordPath('SKU1'))).body).toMatchObject({ onHand: 1 });
    expect(edge.admission.inFlight()).toBe(0);
  });

  it('answers HEAD with its head alone', async () => {
    const edge = await edgeWithEvents(1);

    const { status, headers, text } = await edge.call('HEAD', FEED, undefined, STREAM);

    expect({ status, text }).toEqual({ status: 200, text: '' });
    expect(headers['content-type']).toBe('text/event-stream');
  });

  it('is for so many at once, and then for others', async () => {
    const edge = await edgeWithEvents(1, { feedLimits: { ...feedLimits, followersMax: 2 } });
    const first = await openStream(edge.port, FEED);
    await openStream(edge.port, FEED);

    const refused = await edge.get(FEED, STREAM);
    expectProblem(refused, 503, 'overloaded');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);

    first.cut();
    await expect
      .poll(async () => (await openStream(edge.port, FEED)).response.statusCode)
      .toBe(200);
  });

  it('ends in good order when the server stops, and begins no more', async () => {
    const edge = await edgeWithEvents(1);
    const stream = await openStream(edge.port, FEED);
    await stream.received('id: 1\n');

    edge.endWaiting();

    expect(await stream.over).toBe('end');
    expect(await (await openStream(edge.port, FEED)).over).toBe('end');
  });

  it('beats where nothing happens', async () => {
    const edge = await edgeWithEvents(1, { feedLimits: { ...feedLimits, heartbeatMs: 5 } });

    const stream = await openStream(edge.port, FEED);

    await stream.received('\n\n:\n\n:\n\n');
  });

  it('that cannot be read is cut off, and reported', async () => {
    const edge = await edgeWithEvents(1);
    edge.repository.eventsAfter = () => Promise.reject(new Error('the disk is gone'));

    const stream = await openStream(edge.port, FEED);

    expect(await stream.over).toBe('cut');
    expect(edge.internalErrors).toEqual([new Error('the disk is gone')]);
  });
});
