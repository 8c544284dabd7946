import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type OrderRow, parseOrderRows } from '../../src/cli/import/order-rows.js';
import { planImport } from '../../src/cli/import/plan.js';
import { referenceOf } from '../../src/cli/import/step.js';

const SAMPLE = new URL('../../data/samples/online-retail-2010-12.csv', import.meta.url);

/** Rows of invoice, stock code, quantity and country. */
function rowsOf(...rows: [string, string, string, string?][]): OrderRow[] {
  return rows.map(([invoice, sku, quantity, country = 'EIRE'], index) => ({
    rowNumber: index + 2,
    invoice,
    sku,
    quantity,
    country,
  }));
}

describe('the plan of an import', () => {
  it('makes an order of each invoice, in the place of its first row', () => {
    const { steps } = planImport(
      rowsOf(['1', 'A', '2'], ['2', 'A', '3'], ['1', 'B', '4', 'United Kingdom'], ['1', 'A', '5']),
    );

    expect(steps).toEqual([
      {
        kind: 'order',
        id: '1',
        lines: [
          { storeId: 'EIRE', sku: 'A', qty: 2 },
          { storeId: 'United-Kingdom', sku: 'B', qty: 4 },
          { storeId: 'EIRE', sku: 'A', qty: 5 },
        ],
      },
      { kind: 'order', id: '2', lines: [{ storeId: 'EIRE', sku: 'A', qty: 3 }] },
    ]);
  });

  it('restocks what a cancellation takes back, and writes off other negative lines', () => {
    const { steps } = planImport(rowsOf(['C1', 'A', '-2'], ['2', 'A', '-3'], ['2', 'B', '1']));

    const adjust = { kind: 'adjust', storeId: 'EIRE', sku: 'A' };
    expect(steps).toEqual([
      { ...adjust, id: 'C1:2', purpose: 'restock', delta: 2 },
      { kind: 'order', id: '2', lines: [{ storeId: 'EIRE', sku: 'B', qty: 1 }] },
      { ...adjust, id: '2:3', purpose: 'write-off', delta: -3 },
    ]);
  });

  it('opens each record with what the orders want of it, and nothing for write-offs', () => {
    const { opening } = planImport(
      rowsOf(
        ['1', 'A', '2'],
        ['2', 'A', '3'],
        ['3', 'A', '-4'],
        ['3', 'B', '-1'],
        ['C4', 'A', '-9'],
      ),
    );

    expect(opening).toEqual([
      {
        kind: 'adjust',
        id: 'opening:EIRE/A',
        purpose: 'opening',
        storeId: 'EIRE',
        sku: 'A',
        delta: 5,
      },
    ]);
  });

  it('lists every row that the service has no words for', () => {
    const { steps, inexpressible } = planImport(
      rowsOf(
        ['1', 'A/B', '1'],
        ['1', 'A ', '1'],
        ['1', 'A', '0'],
        ['1', 'A', '1.5'],
        ['1', 'A', '1000000001'],
        ['1', 'A', '1', 'Österreich'],
        ['no/1', 'A', '1'],
        ['', 'A', '1'],
        ['1', 'A', ''],
        ['1', 'A', '1'],
      ),
    );

    expect(steps).toHaveLength(1);
    expect(inexpressible.map(({ rowNumber, why }) => `${rowNumber} ${why}`)).toEqual([
      '2 stock code "A/B"',
      '3 stock code "A "',
      '4 quantity "0"',
      '5 quantity "1.5"',
      '6 quantity "1000000001"',
      '7 country "Österreich"',
      '8 invoice number "no/1"',
      '9 invoice number ""',
      '10 quantity ""',
    ]);
  });

  it('leaves out an order of more lines than one reservation takes, and says so of each', () => {
    const lines = Array.from({ length: 1_001 }, (): [string, string, string] => ['1', 'A', '1']);
    const { opening, steps, inexpressible } = planImport(rowsOf(...lines, ['1', 'B', '-1']));

    expect(opening).toEqual([]);
    expect(steps.map(({ id }) => id)).toEqual(['1:1003']);
    expect(inexpressible).toHaveLength(1_001);
  });

  it('of the sample has a name of its own for every step, and a place for every row', () => {
    const rows = parseOrderRows(readFileSync(SAMPLE));
    const { opening, steps, inexpressible } = planImport(rows);

    const orders = steps.filter((step) => step.kind === 'order');
    const lineCount = orders.reduce((sum, { lines }) => sum + lines.length, 0);
    expect(inexpressible).toEqual([]);
    expect(orders).toHaveLength(439);
    expect(lineCount + steps.length - orders.length).toBe(rows.length);
    const references = [...opening, ...steps].map((step) => referenceOf('0'.repeat(64), step));
    expect(new Set(references).size).toBe(references.length);
    for (const reference of references) expect(reference).toMatch(/^[\x20-\x7e]{1,200}$/);
  });
});
