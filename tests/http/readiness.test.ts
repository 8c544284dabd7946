import { describe, expect, it } from 'vitest';
import { startEdge } from '../support/http-edge.js';

const READINESS = '/api/health/readiness';

describe('readiness', () => {
  it('says that all is well', async () => {
    const edge = await startEdge();
    expect(await edge.get(READINESS)).toMatchObject({
      status: 200,
      body: {
        ready: true,
        degraded: [],
        checks: {
          storage: { ok: true, writes: 'taken' },
          sync: { ok: true, failing: [] },
          breakers: { ok: true, open: [] },
          queue: { ok: true, reads: 0, writes: 0, max: 1_000 },
        },
      },
    });
  });

  it.each([
    ['storage', { takesWrites: false }, { writes: 'refused' }],
    ['sync', { failingSources: ['berlin'] }, { failing: ['berlin'] }],
    ['breakers', { openBreakers: ['storage'] }, { open: ['storage'] }],
    ['queue', { queue: { reads: 0, writes: 500, max: 1_000 } }, { writes: 500 }],
  ])('names what is not: %s; a node that still reads stays in', async (name, facts, check) => {
    const edge = await startEdge({ readiness: facts });
    const { status, body } = await edge.get(READINESS);
    expect({ status, ready: body.ready, degraded: body.degraded }).toEqual({
      status: 200,
      ready: true,
      degraded: [name],
    });
    expect(body.checks[name]).toMatchObject({ ok: false, ...check });
  });

  it('is 503 where reads are stopped, too', async () => {
    const edge = await startEdge({
      readiness: { openBreakers: ['api reads'], areReadsStopped: true },
    });
    expect(await edge.get(READINESS)).toMatchObject({
      status: 503,
      body: { ready: false, degraded: ['breakers'] },
    });
  });

  it('is 503 while the service stops, whose life goes on', async () => {
    const edge = await startEdge();
    edge.drain();
    const reply = await edge.get(READINESS);
    expect(reply).toMatchObject({ status: 503, body: { ready: false, degraded: [] } });
    expect(reply.headers['connection']).toBe('close');
    expect((await edge.get('/api/health/liveness')).status).toBe(200);
  });
});
