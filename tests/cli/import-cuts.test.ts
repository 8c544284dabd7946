import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { expectationOf, onHandAt } from './import-expectation.js';
import {
  SAMPLE,
  createOrderFile,
  runImport,
  seededRandom,
  startMemoryService,
} from './import-harness.js';

/** More than the largest answer; most connections are cut long before. */
const CUT_AFTER_BYTES_MAX = 400_000;

/** Passes connections on, each until a random number of bytes went through it, either way. */
async function startCuttingProxy(port: number, random: () => number) {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const service = connect(port, '127.0.0.1');
    let left = Math.floor(random() ** 8 * CUT_AFTER_BYTES_MAX);
    const ends = [client, service];
    const cut = () => {
      for (const end of ends) end.destroy();
    };
    for (const [from, to] of [ends, ends.toReversed()] as [Socket, Socket][]) {
      sockets.add(from);
      from.on('error', cut).on('close', () => {
        sockets.delete(from);
        cut();
      });
      from.on('data', (bytes: Buffer) => {
        to.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left > 0 || from.destroyed) return;
        cuts += 1;
        // What was passed on before the cut gets through, and no more.
        to.end(cut);
        from.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

it('ends with a matching ledger though its connections are cut at random', async () => {
  const random = seededRandom();
  const csv = readFileSync(SAMPLE, 'utf8').split('\n').slice(0, 3_000).join('\n');
  const expected = expectationOf(csv);
  const orders = createOrderFile(csv);
  const service = await startMemoryService(1_000);
  const proxy = await startCuttingProxy(service.port, () => random.next());
  try {
    const { progressFile } = orders;
    const result = await runImport({ csv: Buffer.from(csv), url: proxy.url, progressFile });

    expect(result.differences, `SEED=${random.seed}`).toEqual([]);
    expect(await onHandAt(service.url, expected), `SEED=${random.seed}`).toEqual(expected.onHand);
    expect(proxy.cuts()).toBeGreaterThan(20);
  } finally {
    await proxy.stop();
    await service.stop();
    orders.remove();
  }
});
