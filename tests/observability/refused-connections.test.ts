import { pino } from 'pino';
import { expect, it } from 'vitest';
import { logRefusedConnections } from '../../src/observability/refused-connections.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeTimers } from '../support/fake-timers.js';

it('connections that are refused make one line a second, however many they are', async () => {
  const lines: unknown[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  const timers = createFakeTimers(createFakeClock());
  const refused = logRefusedConnections(logger, timers);

  for (let index = 0; index < 1_000; index += 1) refused(400);
  refused(408);
  expect(lines).toEqual([]);
  await timers.pass(1_000);
  refused(431);
  await timers.pass(10_000);

  const statuses = lines.map((line) => (JSON.parse(String(line)) as { statuses: object }).statuses);
  expect(statuses).toEqual([{ 400: 1_000, 408: 1 }, { 431: 1 }]);
});
