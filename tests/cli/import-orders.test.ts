import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { reportOf } from '../../src/cli/import/report.js';
import { expectationOf, onHandAt } from './import-expectation.js';
import {
  SAMPLE,
  createOrderFile,
  deadUrl,
  runImport,
  startMemoryService,
} from './import-harness.js';

/** Some invoices of the sample: orders, cancellations, write-offs, and some that are refused. */
const SLICE = [4_300, 5_600] as const;
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,Country';

type Service = Awaited<ReturnType<typeof startMemoryService>>;
let service: Service;
let orders: ReturnType<typeof createOrderFile>;

beforeEach(async () => {
  service = await startMemoryService();
});
afterEach(async () => {
  orders.remove();
  await service.stop();
});

function given(csv: string) {
  orders = createOrderFile(csv);
  return { csv: Buffer.from(csv), url: service.url, progressFile: orders.progressFile };
}

function slice(): string {
  return lines(
    ...readFileSync(SAMPLE, 'utf8')
      .split('\n')
      .slice(...SLICE),
  );
}

function lines(...rows: string[]): string {
  return [HEADER, ...rows].join('\n');
}

async function adjust(path: string, delta: number): Promise<void> {
  const response = await fetch(`${service.url}/api/inventory/stores/${path}/adjust`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ delta }),
  });
  expect(response.status).toBe(200);
}

async function positionOf(url: string): Promise<{ sequence: number }> {
  const { headers } = await fetch(`${url}/api/events`, { method: 'HEAD' });
  return { sequence: Number(headers.get('Inventory-Sequence')) };
}

describe('an import into the real service', () => {
  it('of real orders ends with the stock that the file says, and a second one changes nothing', async () => {
    const run = given(slice());
    const expected = expectationOf(run.csv);
    const first = await runImport(run);
    expect(first.differences).toEqual([]);
    expect(await onHandAt(service.url, expected)).toEqual(expected.onHand);

    const second = await runImport(run);
    expect(second.differences).toEqual([]);
    expect(reportOf(second)).toBe(reportOf(first));
    expect(await onHandAt(service.url, expected)).toEqual(expected.onHand);
  });

  it('ends the same with one order at a time and with many', async () => {
    const run = given(slice());
    const expected = expectationOf(run.csv);
    expect(expected.refused.length).toBeGreaterThan(0);
    const result = await runImport({ ...run, concurrency: 1 });
    const stateOf = (id: string) => result.progress.of(id).at;

    expect(await onHandAt(service.url, expected)).toEqual(expected.onHand);
    expect(expected.accepted.every((id) => stateOf(id) === 'done')).toBe(true);
    expect(expected.refused.every((id) => stateOf(id) === 'refused')).toBe(true);
  });

  it('counts and reports what is refused and what cannot be said', async () => {
    const result = await runImport(
      given(
        lines(
          '0,A,,-1,now,EIRE',
          '1,A,,4,now,EIRE',
          '2,A,,-3,now,EIRE',
          '3,A,,2,now,EIRE',
          '4,BANK CHARGES,,1,now,EIRE',
          'C5,A,,-7,now,EIRE',
          '6,B,,-1,now,EIRE',
          '7,A/B,,1,now,EIRE',
        ),
      ),
    );

    expect(reportOf(result)).toBe(
      [
        'orders      2 accepted, 1 refused (1 insufficient-stock); 5 units sold',
        'opening     2 records, 0 refused; 7 units counted in',
        'restocks    1 lines, 0 refused; 7 units came back',
        'write-offs  1 lines, 2 refused (1 insufficient-stock, 1 stock-not-found); 1 units written off',
        'rows        1 could not be expressed',
        '  row 9: stock code "A/B"',
        'ledger matches: 3 records',
      ].join('\n'),
    );
  });

  it('counts on top of what is there, and names what others moved meanwhile', async () => {
    const run = given(lines('1,A,,4,now,EIRE', 'C2,B,,-2,now,EIRE'));
    await adjust('EIRE/inventory/A', 10);
    expect((await runImport(run)).differences).toEqual([]);

    await adjust('EIRE/inventory/A', -1);
    const result = await runImport(run);
    expect(reportOf(result).split('\n').slice(-2)).toEqual([
      '  EIRE/A: ledger 10 on hand, 0 reserved; service 9 on hand, 0 reserved',
      'ledger differs in 1 of 2 records',
    ]);
  });

  it('refuses to count a file twice when its progress file is gone', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    await runImport(run);
    rmSync(orders.progressFile);

    await expect(runImport(run)).rejects.toThrow('its progress file is gone');
  });

  it('refuses so, too, where there are no orders, and the first rows were refused', async () => {
    const nothing = Array.from({ length: 100 }, (_, nth) => `${nth},X${nth},,-1,now,EIRE`);
    const run = given(lines(...nothing, 'C1,B,,-2,now,EIRE'));
    await adjust('EIRE/inventory/B', 5);
    await runImport(run);
    rmSync(orders.progressFile);

    await expect(runImport(run)).rejects.toThrow('its progress file is gone');
  });

  it('refuses a service that has other data than the one its progress file is about', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    await runImport(run);
    const other = await startMemoryService();
    onTestFinished(() => other.stop());

    await expect(runImport({ ...run, url: other.url })).rejects.toThrow(/is about node \S+, and/);
    expect(await (await fetch(`${other.url}/api/events`)).json()).toMatchObject({ items: [] });
  });

  it('refuses a service whose data was set back', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    await runImport(run);
    const { sequence: last } = await positionOf(service.url);
    const [header, ...rest] = readFileSync(orders.progressFile, 'utf8').trimEnd().split('\n');
    const later = rest.map((line) => line.replace(`"sequence":${last}`, `"sequence":${last + 1}`));
    writeFileSync(orders.progressFile, [header, ...later, ''].join('\n'));

    await expect(runImport(run)).rejects.toThrow(
      `knows of event ${last + 1}, and the service has events up to ${last} only`,
    );
  });

  it('refuses the progress file of another content', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    await runImport(run);
    const changed = Buffer.from(lines('1,A,,5,now,EIRE'));

    await expect(runImport({ ...run, csv: changed })).rejects.toThrow('it has changed since');
  });

  it('gives up when nobody answers, and goes on when somebody does', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    const nobody = { ...run, url: await deadUrl(), retryForMs: 20 };
    await expect(runImport(nobody)).rejects.toThrow('gave up after 0 s without an answer');

    expect((await runImport(run)).differences).toEqual([]);
  });

  it('says so when somebody else answers', async () => {
    const run = given(lines('1,A,,4,now,EIRE'));
    const elsewhere = { ...run, url: `${service.url}/elsewhere` };

    await expect(runImport(elsewhere)).rejects.toThrow('the service answered 404 not-found');
  });
});
