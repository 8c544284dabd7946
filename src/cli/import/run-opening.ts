import { type NoAnswer, type Reply, failureOf } from '../../client/transport.js';
import { InventoryProblem } from '../../client/errors.js';
import { refusalOf } from './decision.js';
import type { ProgressEntry, Progressed } from './progress-log.js';
import { type BatchResult, type Named, batchRequest, readBatch } from './requests.js';
import type { StepRunnerDeps } from './run-step.js';
import { type AdjustStep, referenceOf } from './step.js';

type Opening = Named<AdjustStep>;

/**
 * Completes many openings at once. The service decides each on its own, so any part of a request
 * without an answer may have been executed: each opening is looked up individually, and the rest is
 * sent again by the same route, where the same keys cover a request that is still on its way.
 */
export function createOpeningRunner({ client, inDoubt, progress, fileHash }: StepRunnerDeps) {
  function isOpen({ step }: Opening): boolean {
    return progress.of(step.id).at === 'sent';
  }

  async function markSent(openings: readonly Opening[]): Promise<void> {
    const planned = openings.filter(({ step }) => progress.of(step.id).at === 'planned');
    const sent = { at: 'sent', after: progress.lastSequence } as const;
    await progress.record(...planned.map(({ step }) => ({ step: step.id, ...sent })));
  }

  async function lookUp(openings: Iterable<Opening>): Promise<void> {
    const found: ProgressEntry[] = [];
    for (const opening of openings) {
      const before = progress.of(opening.step.id);
      if (before.at !== 'sent') continue;
      const moved = await inDoubt.findAdjusted(opening, before.after);
      if (moved) found.push({ step: opening.step.id, at: 'done', ...moved });
    }
    await progress.record(...found);
  }

  return async (steps: readonly AdjustStep[]): Promise<void> => {
    const openings = steps.map((step) => ({ step, reference: referenceOf(fileHash, step) }));
    const doubtful = new Set(openings.filter(isOpen));
    await markSent(openings);
    const waiting = client.retrier.startWaiting();
    for (;;) {
      await lookUp(doubtful);
      const left = openings.filter(isOpen);
      if (left.length === 0) return;
      const outcomes = outcomesOf(left, await client.retrier.attempt(batchRequest(left)));
      let unanswered: NoAnswer | undefined;
      const settled: ProgressEntry[] = [];
      for (const { opening, outcome } of outcomes) {
        if ('at' in outcome) {
          settled.push({ step: opening.step.id, ...outcome });
        } else {
          unanswered = outcome;
          if (outcome.kind === 'unknown') doubtful.add(opening);
        }
      }
      await progress.record(...settled);
      if (unanswered) await waiting.pause(unanswered);
    }
  };
}

interface Outcome {
  readonly opening: Opening;
  readonly outcome: Progressed | NoAnswer;
}

function outcomesOf(openings: readonly Opening[], reply: Reply): readonly Outcome[] {
  if (reply.kind === 'refused') throw new InventoryProblem(reply.problem);
  if (reply.kind !== 'ok') return openings.map((opening) => ({ opening, outcome: reply }));
  return readBatch(reply.body, openings).map(({ change, result }) => ({
    opening: change,
    outcome: outcomeOf(result),
  }));
}

function outcomeOf({ status, sequence, problem }: BatchResult): Progressed | NoAnswer {
  if (status < 300 && sequence) return { at: 'done', sequence };
  const failure = failureOf(status, problem, 0);
  if (failure.kind !== 'refused') return failure;
  const { code, detail } = refusalOf(failure.problem);
  return { at: 'refused', code, detail };
}
