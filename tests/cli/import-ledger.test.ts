import { describe, expect, it } from 'vitest';
import { balances, differences } from '../../src/cli/import/ledger.js';
import type { Step } from '../../src/cli/import/step.js';
import { PLANNED, type StepState } from '../../src/cli/import/step-state.js';

const A = { storeId: 'EIRE', sku: 'A' };
const B = { storeId: 'EIRE', sku: 'B' };
const opening: Step = { kind: 'adjust', id: 'o', purpose: 'opening', ...A, delta: 10 };
const writeOff: Step = { kind: 'adjust', id: 'w', purpose: 'write-off', ...B, delta: -4 };
const order: Step = {
  kind: 'order',
  id: '1',
  lines: [
    { ...A, qty: 2 },
    { ...A, qty: 1 },
  ],
};
const done: StepState = { at: 'done', sequence: 7 };
const refused: StepState = { at: 'refused', code: 'insufficient-stock', detail: '' };
const reserved: StepState = { at: 'reserved', reservationId: 'r', sequence: 7 };

function ledgerOf(steps: Step[], states: Record<string, StepState>) {
  const baseline = [{ ...A, onHand: 5, reserved: 1 }];
  return [...balances(baseline, steps, (id) => states[id] ?? PLANNED).values()];
}

describe('the ledger', () => {
  it('is what was there before, and what the steps have done', () => {
    expect(ledgerOf([opening, order], { o: done, 1: done })).toEqual([
      { ...A, onHand: 12, reserved: 1 },
    ]);
  });

  it('counts an order that is not committed as held', () => {
    expect(ledgerOf([order], { 1: reserved })).toEqual([{ ...A, onHand: 5, reserved: 4 }]);
  });

  it('moves nothing for what was refused or is not known to have happened', () => {
    const states = { w: refused, 1: { at: 'sent', after: 3 } } as const;

    expect(ledgerOf([writeOff, order], states)).toEqual([
      { ...A, onHand: 5, reserved: 1 },
      { ...B, onHand: 0, reserved: 0 },
    ]);
  });

  it('takes a record that the service does not have for one without units', () => {
    const ledger = balances([], [writeOff], () => refused);

    expect(differences(ledger, [])).toEqual([]);
  });

  it('names each record where the service has something else', () => {
    const ledger = balances([{ ...A, onHand: 5, reserved: 0 }], [writeOff], () => PLANNED);

    expect(
      differences(ledger, [
        { ...A, onHand: 5, reserved: 2 },
        { ...B, onHand: 1, reserved: 0 },
      ]),
    ).toEqual([
      { ...A, ledger: { onHand: 5, reserved: 0 }, service: { onHand: 5, reserved: 2 } },
      { ...B, ledger: { onHand: 0, reserved: 0 }, service: { onHand: 1, reserved: 0 } },
    ]);
  });
});
