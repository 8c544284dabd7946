import { describe, expect, it } from 'vitest';
import { type Edge, recordPath, startEdge } from '../../support/http-edge.js';
import { exchange, lastRequest, request, statusesOf } from '../raw-exchange.js';

const RECORD = recordPath('SKU123');
const json = { 'Content-Type': 'application/json' };
const ADJUST = '{"delta":1}';

async function stocked(): Promise<Edge> {
  const edge = await startEdge();
  await edge.stock('SKU123', 100);
  return edge;
}

async function onHand(edge: Edge): Promise<unknown> {
  const { body } = await edge.get(RECORD);
  return (body as { onHand: number }).onHand;
}

/** A request, and another behind it that would be executed, were the first not the last. */
async function sent(edge: Edge, first: Buffer): Promise<number[]> {
  const behind = request(`POST ${RECORD}/adjust`, json, ADJUST);
  return statusesOf(await exchange(edge.port, Buffer.concat([first, behind])));
}

describe('a request whose end others might find elsewhere', () => {
  const chunked = `b\r\n${ADJUST}\r\n0\r\n\r\n`;
  const codings = ['gzip, chunked', 'identity, chunked', 'gzip', ''];

  it.each(codings)('is refused with all behind it: coded "%s"', async (coding) => {
    const edge = await stocked();
    const coded = { ...json, 'Transfer-Encoding': coding };
    const statuses = await sent(edge, request(`POST ${RECORD}/adjust`, coded, chunked));
    expect(statuses).toEqual([400]);
    expect(await onHand(edge)).toBe(100);
  });

  it('is refused where it is chunked before HTTP/1.1 was', async () => {
    const edge = await stocked();
    const head =
      `POST ${RECORD}/adjust HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n` +
      'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await sent(edge, Buffer.from(head + chunked))).toEqual([400]);
    expect(await onHand(edge)).toBe(100);
  });

  it.each(['0.9', '2.0'])('is refused where it is of HTTP/%s', async (version) => {
    const edge = await stocked();
    const head = `GET ${RECORD} HTTP/${version}\r\nHost: x\r\n\r\n`;
    expect(await sent(edge, Buffer.from(head))).toEqual([400]);
    expect(await onHand(edge)).toBe(100);
  });

  it('is taken where it is chunked, in whatever letters', async () => {
    const edge = await stocked();
    const coded = { ...json, 'Transfer-Encoding': 'Chunked', Connection: 'close' };
    const whole = request(`POST ${RECORD}/adjust`, coded, chunked);
    expect(statusesOf(await exchange(edge.port, whole))).toEqual([200]);
  });
});

describe('a Host header', () => {
  const refused = [
    'a b',
    'x/y',
    'x@y',
    'http://x',
    'x:abc',
    '[::1',
    '"x"',
    'h\u00e9',
    'x?',
    'x\\y',
  ];
  const taken = ['', 'x', 'x:80', 'x:', '127.0.0.1:3000', '[::1]:3000', 'a-b.c_d', 'x%20y'];

  it.each(refused)('that is none: %s', async (host) => {
    const { port } = await stocked();
    const asked = `GET ${RECORD} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(statusesOf(await exchange(port, Buffer.from(asked, 'latin1')))).toEqual([400]);
  });

  it.each(taken)('that is one: "%s"', async (host) => {
    const { port } = await stocked();
    const asked = `GET ${RECORD} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(statusesOf(await exchange(port, asked))).toEqual([200]);
  });
});

describe('a target with a host in it', () => {
  it.each([
    [`http://x${RECORD}`, 200],
    [`HTTPS://x:3000${RECORD}`, 200],
    ['http://x?q=1', 404],
    [`http://x${RECORD.replace('inventory', 'inventory\\')}`, 404],
    [`ftp://x${RECORD}`, 400],
    [`http://${RECORD}`, 400],
    [`http://[::1${RECORD}`, 400],
    ['*', 400],
  ])('%s', async (target, status) => {
    const { port } = await stocked();
    const answers = await exchange(port, lastRequest(`GET ${target}`));
    expect(statusesOf(answers)).toEqual([status]);
  });

  it('that names a user, and his password, is refused, and repeated nowhere', async () => {
    const { port } = await stocked();
    const answer = await exchange(port, lastRequest(`GET http://user:secret@x${RECORD}`));
    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).not.toContain('secret');
  });

  it('is always answered where it is health or metrics', async () => {
    const { port } = await startEdge({ admission: { limit: { perSecond: 1, burst: 1 } } });
    for (const target of ['http://x/metrics', 'HTTP://x/metrics', '/metrics', '/metrics']) {
      expect(statusesOf(await exchange(port, lastRequest(`GET ${target}`)))).toEqual([200]);
    }
  });
});

it('two types of one body are refused', async () => {
  const edge = await stocked();
  const length = `Content-Length: ${ADJUST.length}\r\nConnection: close\r\n`;
  const types = 'Content-Type: application/json\r\nContent-Type: text/plain\r\n';
  const asked = `POST ${RECORD}/adjust HTTP/1.1\r\nHost: x\r\n${types}${length}\r\n${ADJUST}`;
  expect(statusesOf(await exchange(edge.port, asked))).toEqual([400]);
  expect(await onHand(edge)).toBe(100);
});

it.each(['x-100-continue', '100-continue-not', 'bogus, 100-continue', '100-continue;q=1'])(
  'an expectation that is none is not met: %s',
  async (expectation) => {
    const edge = await stocked();
    const headers = { ...json, Expect: expectation };
    const statuses = await sent(edge, request(`POST ${RECORD}/adjust`, headers, ADJUST));
    expect(statuses).toEqual([417]);
    expect(await onHand(edge)).toBe(100);
  },
);

describe('a page of another site', () => {
  it.each(['cross-site', 'same-site'])('(%s) changes nothing unasked', async (site) => {
    const edge = await stocked();
    for (const path of ['/api/sync/stop', '/api/sync', '/api/metrics/reset']) {
      const { status } = await edge.post(path, undefined, { 'Sec-Fetch-Site': site });
      expect(status).toBe(400);
    }
    const plain = { 'Sec-Fetch-Site': site, 'Content-Type': 'text/plain' };
    expect((await edge.post(`${RECORD}/adjust`, { delta: 1 }, plain)).status).toBe(400);
  });

  it('reads, and changes what its browser has asked about', async () => {
    const edge = await stocked();
    const site = { 'Sec-Fetch-Site': 'cross-site' };
    expect((await edge.get(RECORD, site)).status).toBe(200);
    expect((await edge.post(`${RECORD}/adjust`, { delta: 1 }, site)).status).toBe(200);
  });

  it.each(['same-origin', 'none'])('is none of our own (%s)', async (site) => {
    const edge = await stocked();
    const { status } = await edge.post('/api/sync/stop', undefined, { 'Sec-Fetch-Site': site });
    expect(status).toBe(200);
  });
});
