import type { JudgeAnswer, ObservedAnswer } from './answer-judge.js';
import { watchAnswers } from './watch-answers.mjs';

// Every answer of a test run that came from the service's own routes, in this process or another.

const waiting: ObservedAnswer[] = [];
let judge: JudgeAnswer | undefined;
let isWatching = false;

/** Observes the answers of this process: once, however many test files run in it. */
export function watchThisProcess(): void {
  if (!isWatching) watchAnswers(observeAnswer);
  isWatching = true;
}

export function observeAnswer(answer: ObservedAnswer): void {
  waiting.push(answer);
}

/** What the API description does not say of the answers since the last call. */
export async function undescribedAnswers(): Promise<string[]> {
  if (waiting.length === 0) return [];
  // Most test files observe nothing, and need no judge.
  judge ??= (await import('./answer-judge.js')).createAnswerJudge();
  return [...new Set(waiting.splice(0).flatMap(judge))];
}
