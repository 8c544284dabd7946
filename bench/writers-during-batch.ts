import { runLoad } from './load.js';
import { batch, reserveSpread, startService } from './sides.js';

const SECONDS = 5;
const WRITERS = { connections: 16, seconds: SECONDS, expected: [201] };

/** What a large batch does to everybody else: the p99 of single writes without and with it, ms. */
export async function writersDuringBatch(): Promise<{ alone: number; during: number }> {
  const server = await startService();
  try {
    await runLoad(server, [reserveSpread], WRITERS);
    const alone = await runLoad(server, [reserveSpread], WRITERS);
    const batches = { connections: 1, seconds: SECONDS, expected: [200] };
    const [during] = await Promise.all([
      runLoad(server, [reserveSpread], WRITERS),
      runLoad(server, [{ make: () => batch(10_000) }], batches),
    ]);
    return { alone: alone.p99Ms, during: during.p99Ms };
  } finally {
    await server.stop();
  }
}
