import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import type { Acknowledged } from './sharing-servers.js';

interface LoggedEvent {
  readonly sequence: number;
  readonly epoch: number;
  readonly lines: readonly { storeId: string; sku: string; version: number }[];
  readonly request?: { readonly key: string };
}

/** The events of a log in the order of its files, as they stand there. */
export function loggedEvents(dataDir: string): LoggedEvent[] {
  const names = readdirSync(`${dataDir}/events`).filter((name) => name.endsWith('.jsonl'));
  return names.sort().flatMap((name) =>
    readFileSync(`${dataDir}/events/${name}`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"sequence"'))
      .map((line) => JSON.parse(line) as LoggedEvent),
  );
}

/** One chain without a gap, every key once, and everything that a client was told is in it. */
export async function expectLogOf(
  dataDir: string,
  acknowledged: readonly Acknowledged[],
): Promise<LoggedEvent[]> {
  const report = await verifyLog(createNodeFileSystem(), dataDir);
  expect(report).toMatchObject({ clean: true, tornBytes: 0, differences: [] });
  const events = loggedEvents(dataDir);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  const keys = events.flatMap(({ request }) => (request === undefined ? [] : [request.key]));
  expect(new Set(keys).size).toBe(keys.length);
  const missing = acknowledged.filter(({ record, sequence, version }) => {
    const lines = events[sequence - 1]?.lines ?? [];
    return !lines.some(
      (line) => `${line.storeId}/${line.sku}` === record && line.version === version,
    );
  });
  expect(missing).toEqual([]);
  return events;
}
