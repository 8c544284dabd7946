import { describe, expect, it } from 'vitest';
import { parseOrderRows } from '../../src/cli/import/order-rows.js';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,Country';

function parse(text: string) {
  return parseOrderRows(Buffer.from(text));
}

describe('the rows of an order file', () => {
  it('keep commas, quotes and line breaks inside quotes, and end with CRLF or LF', () => {
    const rows = parse(`${HEADER}\r\n1,A,"RED, ""BIG""\r\nBOX",6,now,France\r\n2,B,,-1,now,EIRE\n`);

    expect(rows).toEqual([
      { rowNumber: 2, invoice: '1', sku: 'A', quantity: '6', country: 'France' },
      { rowNumber: 3, invoice: '2', sku: 'B', quantity: '-1', country: 'EIRE' },
    ]);
  });

  it('are found by the names of their columns, in whatever order, with or without a BOM', () => {
    const [row] = parse('\ufeffCountry,Quantity,StockCode,InvoiceNo\nJapan,2,C2,7');

    expect(row).toEqual({ rowNumber: 2, invoice: '7', sku: 'C2', quantity: '2', country: 'Japan' });
  });

  it('are taken as they are: no space is trimmed', () => {
    const [row] = parse(`${HEADER}\n 1,A ,,2,now, EIRE`);

    expect(row).toMatchObject({ invoice: ' 1', sku: 'A ', country: ' EIRE' });
  });

  it.each([
    ['', 'it has no order lines'],
    [HEADER, 'it has no order lines'],
    ['InvoiceNo,StockCode,Quantity\n1,A,2', 'the column Country 0 times'],
    [`${HEADER},Country\n1,A,,2,now,EIRE,EIRE`, 'the column Country 2 times'],
    [`${HEADER}\n1,A,2`, 'line 2'],
    [`${HEADER}\n1,A,"open,2,now,EIRE\n`, 'Quote Not Closed'],
    [`${HEADER}\n1,A,mid"quote,2,now,EIRE\n`, 'line 2'],
  ])('%j is refused as a whole: %s', (text, why) => {
    expect(() => parse(text)).toThrow(why);
  });

  it('must be UTF-8', () => {
    const latin1 = Buffer.from(`${HEADER}\n1,A,\xa3,2,now,EIRE`, 'latin1');

    expect(() => parseOrderRows(latin1)).toThrow('it is not UTF-8 text');
  });
});
