import type { Call } from './linearizability.js';

interface Linked<Input, Output> {
  next: Entry<Input, Output> | undefined;
  previous: Linked<Input, Output> | undefined;
}

export interface Beginning<Input, Output> extends Linked<Input, Output> {
  readonly kind: 'beginning';
  readonly call: Call<Input, Output>;
  readonly index: number;
  end: End<Input, Output> | undefined;
}

interface End<Input, Output> extends Linked<Input, Output> {
  readonly kind: 'end';
  readonly of: Beginning<Input, Output>;
}

export type Entry<Input, Output> = Beginning<Input, Output> | End<Input, Output>;

/** All beginnings and ends in their order, behind a head that is neither. */
export function linked<Input, Output>(
  calls: readonly Call<Input, Output>[],
): Linked<Input, Output> {
  const entries: { readonly at: number; readonly entry: Entry<Input, Output> }[] = [];
  for (const [index, call] of calls.entries()) {
    const unlinked = { next: undefined, previous: undefined };
    const beginning: Beginning<Input, Output> = {
      kind: 'beginning',
      call,
      index,
      end: undefined,
      ...unlinked,
    };
    entries.push({ at: call.began, entry: beginning });
    if (call.ended === Infinity) continue;
    beginning.end = { kind: 'end', of: beginning, ...unlinked };
    entries.push({ at: call.ended, entry: beginning.end });
  }
  entries.sort((a, b) => a.at - b.at);
  const head: Linked<Input, Output> = { next: undefined, previous: undefined };
  let last = head;
  for (const { entry } of entries) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

export function takeOut<Input, Output>(beginning: Beginning<Input, Output>): void {
  unlink(beginning);
  if (beginning.end !== undefined) unlink(beginning.end);
}

/** The reverse of `takeOut`: each entry still knows between which two it was. */
export function putBack<Input, Output>(beginning: Beginning<Input, Output>): void {
  if (beginning.end !== undefined) relink(beginning.end);
  relink(beginning);
}

function unlink<Input, Output>(entry: Entry<Input, Output>): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink<Input, Output>(entry: Entry<Input, Output>): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}
