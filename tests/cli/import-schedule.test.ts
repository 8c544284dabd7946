import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runInFileOrder } from '../../src/cli/import/schedule.js';
import type { Step } from '../../src/cli/import/step.js';

function order(id: string, ...skus: string[]): Step {
  return { kind: 'order', id, lines: skus.map((sku) => ({ storeId: 'EIRE', sku, qty: 1 })) };
}

describe('steps in file order', () => {
  it('wait for the last one before them on each of their records, and for no other', async () => {
    const steps = [
      order('1', 'A', 'B'),
      order('2', 'B', 'C'),
      order('3', 'D'),
      order('4', 'C', 'A'),
    ];
    const log: string[] = [];
    await runInFileOrder({
      steps,
      concurrency: 4,
      async run({ id }) {
        log.push(`${id}+`);
        await turn();
        log.push(`${id}-`);
      },
    });

    expect(log).toEqual(['1+', '3+', '1-', '2+', '3-', '2-', '4+', '4-']);
  });

  it('are never more at once than allowed', async () => {
    const steps = Array.from({ length: 20 }, (_, index) => order(`${index}`, `${index}`));
    let running = 0;
    let most = 0;
    await runInFileOrder({
      steps,
      concurrency: 3,
      async run() {
        most = Math.max(most, (running += 1));
        await turn();
        running -= 1;
      },
    });

    expect(most).toBe(3);
  });

  it('end after a failure with what runs already, and with that failure', async () => {
    const begun: string[] = [];
    const ended: string[] = [];
    const running = runInFileOrder({
      steps: [order('1', 'A'), order('2', 'B'), order('3', 'C'), order('4', 'A')],
      concurrency: 2,
      async run({ id }) {
        begun.push(id);
        if (id === '1') throw new Error('no luck');
        await turn();
        ended.push(id);
      },
    });

    await expect(running).rejects.toThrow('no luck');
    expect({ begun, ended }).toEqual({ begun: ['1', '2'], ended: ['2'] });
  });

  it('of nothing end at once', async () => {
    await runInFileOrder({
      steps: [],
      concurrency: 1,
      run: () => Promise.reject(new Error('run')),
    });
  });
});
