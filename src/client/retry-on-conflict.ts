import { InventoryProblem } from './errors.js';
import type { Environment } from './environment.js';

/** How many attempts are made while other writes conflict. */
const DECISIONS_MAX = 20;
const PAUSE_MS = 10;

/**
 * Runs `attempt` (read, decide, write), and again if the record has moved in between (409, 412).
 * Throws the last InventoryProblem after 20 attempts.
 */
export async function retryOnConflict<T>(
  environment: Environment,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let decision = 1; ; decision += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || decision === DECISIONS_MAX) throw error;
      await environment.sleep(PAUSE_MS * decision * environment.random());
    }
  }
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof InventoryProblem)) return false;
  return error.code === 'version-conflict' || error.code === 'precondition-failed';
}
