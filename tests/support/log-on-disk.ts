import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InventoryEvent } from '../../src/domain/events.js';
import { parseLine } from '../../src/storage/file/format/record-format.js';

/** The events of a real directory, up to the first line that is none. */
export function eventsOnDisk(dataDir: string): readonly InventoryEvent[] {
  const events: InventoryEvent[] = [];
  const directory = join(dataDir, 'events');
  const segments = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));
  for (const name of segments.sort()) {
    const bytes = readFileSync(join(directory, name));
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf('\n', start);
      const line = end < 0 ? undefined : parseLine(bytes.subarray(start, end));
      if (line === undefined) return events;
      if (line.kind === 'event') events.push(line.event);
      start = end + 1;
    }
  }
  return events;
}
