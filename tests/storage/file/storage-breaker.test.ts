import { describe, expect, it } from 'vitest';
import { stockKey } from '../../../src/domain/keys.js';
import { SEGMENT, faultyStorage } from './faulty-storage.js';

const COOLDOWN_MS = 30_000;
const PACE_MS = 1_000;
const APPEND = { name: 'append', path: new RegExp(SEGMENT) } as const;

/** The start and one write went well; then the disk has no room, and is tried thrice in vain. */
async function brokenStorage() {
  const { faulty, open } = faultyStorage();
  const storage = await open({
    breaker: { threshold: 0.5, cooldownMs: COOLDOWN_MS, window: 10, callsMin: 5 },
  });
  await storage.adjust('A', 7);
  faulty.failAll(APPEND, 'ENOSPC');
  const refusals: unknown[] = [];
  const attempt = async (): Promise<void> => {
    await storage.adjust('A', 1).catch((error: unknown) => refusals.push(error));
    storage.system.advance(PACE_MS);
  };
  for (let count = 0; count < 3; count += 1) await attempt();
  const appends = (): number =>
    faulty.operations.filter(({ name, path }) => name === 'append' && path === SEGMENT).length;
  return { ...storage, faulty, attempt, appends, refusals };
}

describe('the circuit breaker of the file system', () => {
  it('leaves a disk alone that failed again and again; reads go on', async () => {
    const { appends, attempt, refusals, repository } = await brokenStorage();
    expect(refusals).toHaveLength(3);
    const tried = appends();
    for (let count = 0; count < 20; count += 1) await attempt();
    expect(appends()).toBe(tried);
    expect(refusals).toHaveLength(23);
    expect(refusals.at(-1)).toMatchObject({ code: 'storage-unavailable' });
    const key = stockKey({ storeId: 'S1', sku: 'A' });
    expect(repository.record(key)).toMatchObject({ onHand: 7 });
    expect(repository.takesWrites()).toBe(false);
  });

  it('takes writes again by a probe after its cooldown', async () => {
    const { attempt, faulty, refusals, repository, said, system, adjust } = await brokenStorage();
    faulty.heal();
    await attempt();
    expect(refusals).toHaveLength(4);
    system.advance(COOLDOWN_MS);
    await adjust('A', 1);
    expect(repository.takesWrites()).toBe(true);
    expect(said.writable.at(-1)).toBeUndefined();
    expect(said.fatal).toEqual([]);
    // 7 and the probe: no refused one among them
    expect(repository.durableSequence()).toBe(2);
  });

  it('tells a client to come back after the rest of the cooldown', async () => {
    const { adjust } = await brokenStorage();
    await expect(adjust('A', 1)).rejects.toMatchObject({
      code: 'storage-unavailable',
      retryAfterMs: COOLDOWN_MS - PACE_MS,
    });
  });
});
