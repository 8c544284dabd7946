import { describe, expect, it } from 'vitest';
import { RULES, type Rule, type Scenario, search } from './turn-protocol.js';

/** Two that want the unit under both keys, in either order. */
const TWO: Scenario = {
  jobs: [
    ['A', 'B'],
    ['B', 'A'],
  ],
  faults: { kills: 2, powerLosses: 1, syncErrors: 1 },
};

/** Three, of which two have the same request. */
const THREE: Scenario = {
  jobs: [['A'], ['A'], ['B']],
  faults: { kills: 1, powerLosses: 1, syncErrors: 1 },
};

const STATES_MAX = 500_000;

describe('the protocol of several processes, in every order of its steps', () => {
  it.each([
    ['two processes', TWO],
    ['three processes', THREE],
  ])('keeps P1 to P4: %s', (name, scenario) => {
    const { states, violation } = search(scenario);
    console.info(`model: ${name}, ${states} states`);
    expect(violation).toBeUndefined();
    expect(states).toBeLessThan(STATES_MAX);
  });

  it.each(Object.entries(RULES) as [Rule, string][])('does not without %s: %s', (rule) => {
    const found = search(TWO, rule);
    console.info(`model without ${rule}: ${found.violation?.join('; ') ?? 'NOTHING'}`);
    expect(found.violation).toBeDefined();
  });
});
