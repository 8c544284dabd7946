import { describe, expect, it } from 'vitest';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import { timeText } from '../../../../src/time-text.js';
import type { InventoryEvent } from '../../../../src/domain/events.js';
import { fill } from '../data-images.js';
import { BUSY_POLICY, EVENTS, ROOT, faultyStorage } from '../faulty-storage.js';
import { COPY, copied, eventsOfCopy } from './copies.js';

/** 24 events in many segments: two of a time, and then ten milliseconds of nothing. */
async function source() {
  const storage = faultyStorage();
  const opened = await storage.open({ policy: BUSY_POLICY });
  for (let count = 0; count < 12; count += 1) {
    await fill(opened, 2);
    opened.system.advance(10);
  }
  const events = await opened.events();
  await opened.repository.close();
  return { events, disk: storage.disk, fileSystem: storage.disk.life.fileSystem };
}

describe('a copy up to an earlier point', () => {
  it('of a sequence ends with it, wherever in a segment that is', async () => {
    const { events, disk, fileSystem } = await source();
    const segments = [...disk.files().keys()].filter((path) => path.startsWith(EVENTS));
    expect(segments.length).toBeGreaterThan(3);
    for (let sequence = 1; sequence <= events.length; sequence += 1) {
      const to = `${COPY}-${sequence}`;
      const report = await copied({ fileSystem, to, point: { sequence } });
      expect(report).toMatchObject({ events: sequence, onHand: sequence, differences: [] });
      for (const { file } of report.snapshots) expect(Number(file.slice(0, 12))).toBeLessThan(25);
      expect(await eventsOfCopy(fileSystem, to)).toEqual(events.slice(0, sequence));
    }
  });

  it('of a time has exactly the events up to then', async () => {
    const { events, fileSystem } = await source();
    const first = events[0]!.at;
    const times = [first - 1, ...events.flatMap(({ at }) => [at - 1, at, at + 1])];
    const last = events.at(-1)!.at;
    for (const [index, time] of times.filter((each) => each <= last).entries()) {
      const to = `${COPY}-${index}`;
      const { events: count } = await copied({ fileSystem, to, point: { time } });
      expect([time, count]).toEqual([time, before(events, time)]);
    }
  });

  it('is refused where the log does not reach so far', async () => {
    const { events, fileSystem } = await source();
    const { at } = events.at(-1)!;
    const tooLate = [{ sequence: 25 }, { time: at + 1 }];
    for (const [index, point] of tooLate.entries()) {
      const copying = copied({ fileSystem, to: `${COPY}-${index}`, point });
      await expect(copying).rejects.toThrow(DataDirectoryError);
      await expect(copying).rejects.toThrow(`${ROOT} does not reach so far: its last event`);
    }
    const copying = copied({ fileSystem, to: `${COPY}-3`, point: { time: at + 1 } });
    await expect(copying).rejects.toThrow(`(24) is of ${timeText(at)}`);
  });

  it('before the first event is an inventory in which nothing has happened', async () => {
    const { events, fileSystem } = await source();
    const report = await copied({ fileSystem, point: { time: events[0]!.at - 1 } });
    expect(report).toMatchObject({ events: 0, records: 0, lastAt: undefined });
    expect(await eventsOfCopy(fileSystem)).toEqual([]);
  });
});

function before(events: readonly InventoryEvent[], time: number): number {
  return events.filter(({ at }) => at <= time).length;
}
