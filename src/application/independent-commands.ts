import type { Command } from '../domain/commands.js';
import type { InventoryService, KeyedRequest, Outcome } from './inventory-service.js';

/** How many commands are in progress at a time. */
const SLICE_MAX = 256;

export interface IndependentCommand {
  readonly command: Command;
  readonly request?: KeyedRequest;
}

export type IndependentOutcome = Outcome | { readonly kind: 'failure'; readonly error: unknown };

/**
 * Executes each command on its own; outcomes are in the order of the commands. Commands about the
 * same record are also decided in that order. It yields to other requests between slices.
 */
export async function executeIndependently(
  service: InventoryService,
  commands: readonly IndependentCommand[],
  yieldTurn: () => Promise<void>,
): Promise<readonly IndependentOutcome[]> {
  const outcomes: IndependentOutcome[] = [];
  for (let start = 0; start < commands.length; start += SLICE_MAX) {
    if (start > 0) await yieldTurn();
    const slice = commands.slice(start, start + SLICE_MAX);
    outcomes.push(...(await Promise.all(slice.map((each) => executeOne(service, each)))));
  }
  return outcomes;
}

async function executeOne(
  service: InventoryService,
  { command, request }: IndependentCommand,
): Promise<IndependentOutcome> {
  try {
    return await service.execute(command, request);
  } catch (error) {
    return { kind: 'failure', error };
  }
}
