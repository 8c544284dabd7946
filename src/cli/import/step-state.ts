/**
 * How far a step is known to have come. `sent`: it was sent, or was about to be, and no answer is
 * known. `reserved`: the order is held, and its commit may have been sent.
 */
export type StepState =
  | { readonly at: 'planned' }
  /** `after`: a sequence that the service had assigned before this step was first sent. */
  | { readonly at: 'sent'; readonly after: number }
  | { readonly at: 'reserved'; readonly reservationId: string; readonly sequence: number }
  | { readonly at: 'done'; readonly sequence: number }
  | { readonly at: 'refused'; readonly code: string; readonly detail: string };

export const PLANNED: StepState = { at: 'planned' };

const NEXT: Readonly<Record<StepState['at'], readonly StepState['at'][]>> = {
  planned: ['sent'],
  sent: ['reserved', 'done', 'refused'],
  reserved: ['done', 'refused'],
  done: [],
  refused: [],
};

export function mayFollow(before: StepState, next: StepState): boolean {
  return NEXT[before.at].includes(next.at);
}

export function isSettled(state: StepState): boolean {
  return NEXT[state.at].length === 0;
}
