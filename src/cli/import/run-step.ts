import type { InventoryClient } from '../../client/inventory-client.js';
import type { Refusal } from './decision.js';
import type { InDoubt } from './in-doubt.js';
import type { Progress } from './progress.js';
import type { Progressed } from './progress-log.js';
import { type Moved, type Named, type Reserved, adjust, commit, reserve } from './requests.js';
import { type AdjustStep, type OrderStep, type Step, referenceOf } from './step.js';

export interface StepRunnerDeps {
  readonly client: InventoryClient;
  readonly inDoubt: InDoubt;
  readonly progress: Progress;
  readonly fileHash: string;
}

/**
 * Completes a step from whatever state it is in. The progress file says `sent` before the service
 * can know of the step: whichever process is killed, every step that may have been executed is
 * known or in doubt, and a step in doubt is looked up first. If the line of a result is lost, the
 * step is in doubt again.
 */
export function createStepRunner({ client, inDoubt, progress, fileHash }: StepRunnerDeps) {
  async function runAdjust(change: Named<AdjustStep>): Promise<void> {
    const { wasSent, after } = await send(change.step);
    const answer = await adjust(client, change, {
      inDoubt: wasSent,
      lookUp: () => inDoubt.findAdjusted(change, after),
    });
    await record(change.step, answer.kind === 'ok' ? done(answer.value) : refused(answer));
  }

  async function runOrder(change: Named<OrderStep>): Promise<void> {
    const { step } = change;
    const before = progress.of(step.id);
    const held = before.at === 'reserved' ? before : await hold(change);
    if (held === undefined) return;
    const answer = await commit(client, change, {
      reservationId: held.reservationId,
      inDoubt: before.at !== 'planned',
      lookUp: () => inDoubt.findCommitted(step, held),
    });
    await record(step, answer.kind === 'ok' ? done(answer.value) : refused(answer));
  }

  async function hold(change: Named<OrderStep>): Promise<Reserved | undefined> {
    const { wasSent, after } = await send(change.step);
    const answer = await reserve(client, change, {
      inDoubt: wasSent,
      lookUp: () => inDoubt.findReserved(change, after),
    });
    if (answer.kind === 'refused') {
      await record(change.step, refused(answer));
      return undefined;
    }
    await record(change.step, { at: 'reserved', ...answer.value });
    return answer.value;
  }

  async function send(step: Step): Promise<{ wasSent: boolean; after: number }> {
    const before = progress.of(step.id);
    if (before.at === 'sent') return { wasSent: true, after: before.after };
    const after = progress.lastSequence;
    await record(step, { at: 'sent', after });
    return { wasSent: false, after };
  }

  async function record(step: Step, state: Progressed): Promise<void> {
    await progress.record({ step: step.id, ...state });
  }

  return async (step: Step): Promise<void> => {
    const reference = referenceOf(fileHash, step);
    if (step.kind === 'order') await runOrder({ step, reference });
    else await runAdjust({ step, reference });
  };
}

function done({ sequence }: Moved): Progressed {
  return { at: 'done', sequence };
}

function refused({ code, detail }: Refusal): Progressed {
  return { at: 'refused', code, detail };
}
