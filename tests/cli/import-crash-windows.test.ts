import { readFileSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Reply, Transport, WireRequest } from '../../src/client/transport.js';
import type { ProgressFile } from '../../src/cli/import/progress-file.js';
import { expectationOf, onHandAt } from './import-expectation.js';
import {
  type ImportRun,
  createOrderFile,
  runImport,
  startMemoryService,
} from './import-harness.js';

const CSV = Buffer.from(
  [
    'InvoiceNo,StockCode,Quantity,Country',
    ...['1,A,4,EIRE', '1,BANK CHARGES,1,France', '2,A,-3,EIRE', '3,A,2,EIRE', '3,C,1,EIRE'],
    ...['C4,A,-3,EIRE', '5,E,-1,EIRE', '6,A,1,EIRE', '6,A,1,EIRE'],
  ].join('\n'),
);
const EXPECTED = expectationOf(CSV);
const UNANSWERED: Reply = { kind: 'unknown', why: 'cut off', retryAfterMs: 0 };

/** What goes wrong once, at the nth request or the nth write of progress. */
type Fault =
  | 'request lost'
  | 'request late'
  | 'answer lost'
  | 'killed before the request'
  | 'killed before the answer'
  | 'killed before the write'
  | 'killed in the write'
  | 'killed after the write'
  | 'power lost after the write';

class Killed extends Error {}

/** An importer that meets one fault; once killed it does nothing more. */
function faulty(fault: Fault, nth: number) {
  let requests = 0;
  let writes = 0;
  let dead = false;
  let met = false;
  let late: WireRequest | undefined;

  function meets(count: number, ...faults: Fault[]): boolean {
    const now = count === nth && faults.includes(fault);
    met ||= now;
    return now;
  }
  const isDead = () => dead;
  function die(): never {
    dead = true;
    throw new Killed();
  }

  /** The late request arrives together with the one that repeats it. */
  async function sendLate(client: Transport, request: WireRequest): Promise<void> {
    if (late?.path !== request.path) return;
    const arriving = late;
    late = undefined;
    await client.send(arriving);
  }

  function wrapClient(client: Transport): Transport {
    return {
      async send(request) {
        if (isDead()) die();
        const count = (requests += 1);
        if (meets(count, 'request lost')) return UNANSWERED;
        if (meets(count, 'killed before the request')) die();
        if (meets(count, 'request late')) {
          late = request;
          return UNANSWERED;
        }
        const [reply] = await Promise.all([client.send(request), sendLate(client, request)]);
        if (meets(count, 'answer lost')) return UNANSWERED;
        if (isDead() || meets(count, 'killed before the answer')) die();
        return reply;
      },
    };
  }

  function wrapProgress(file: ProgressFile): ProgressFile {
    return {
      ...file,
      async append(lines) {
        if (isDead()) die();
        const count = (writes += 1);
        if (meets(count, 'killed before the write')) die();
        await file.append(lines);
        if (meets(count, 'killed in the write', 'power lost after the write')) die();
        if (meets(count, 'killed after the write')) die();
      },
    };
  }
  return { wrapClient, wrapProgress, wasMet: () => met };
}

/** What the fault leaves of the file beyond what the importer wrote in full. */
function leaveBehind(fault: Fault, progressFile: string): void {
  const lines = readFileSync(progressFile, 'utf8').split(/(?<=\n)/);
  const text = lines.join('');
  if (fault === 'killed in the write') truncateSync(progressFile, Math.max(text.length - 3, 0));
  if (fault !== 'power lost after the write') return;
  // Only what was synced is sure to stay: all up to the last line that says `sent`.
  const synced = lines.findLastIndex((line) => /"at":"sent"|"format"/.test(line));
  truncateSync(progressFile, lines.slice(0, synced + 1).join('').length);
}

async function importThrough(fault: Fault, nth: number, concurrency: number): Promise<boolean> {
  // A key must hold off what is still on its way. For all else there are none: they are forgotten
  // at once.
  const service = await startMemoryService(fault === 'request late' ? 60_000 : 0);
  const orders = createOrderFile(CSV);
  const { progressFile } = orders;
  const run: ImportRun = { csv: CSV, url: service.url, progressFile, concurrency };
  try {
    const { wasMet, ...wrapped } = faulty(fault, nth);
    await runImport({ ...run, ...wrapped }).catch(async (error: unknown) => {
      if (!(error instanceof Killed)) throw error;
      leaveBehind(fault, progressFile);
      await runImport(run);
    });
    // Once more: what was found out after the fault must be written for the next to read.
    const result = await runImport(run);
    expect(result.differences, `${fault} at ${nth}`).toEqual([]);
    expect(await onHandAt(service.url, EXPECTED), `${fault} at ${nth}`).toEqual(EXPECTED.onHand);
    return wasMet();
  } finally {
    orders.remove();
    await service.stop();
  }
}

describe('an import through any crash window', () => {
  it('refuses some of these orders, and accepts others', () => {
    expect(EXPECTED).toMatchObject({ accepted: ['1', '6'], refused: ['3'] });
  });

  it.each<[Fault, number]>([
    ['request lost', 1],
    ['request late', 1],
    ['answer lost', 1],
    ['killed before the request', 1],
    ['killed before the answer', 1],
    ['killed before the write', 1],
    ['killed in the write', 1],
    ['killed after the write', 1],
    ['power lost after the write', 1],
    ['request late', 4],
    ['killed before the answer', 4],
    ['power lost after the write', 4],
  ])('%s, wherever it happens, %i at once: nothing is lost, nothing doubled', async (fault, at) => {
    let nth = 1;
    while (await importThrough(fault, nth, at)) nth += 1;

    expect(nth).toBeGreaterThan(12);
  });
});
