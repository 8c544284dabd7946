/** A broken invariant is a defect: it fails the operation that meets it, and is never a reply. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** The message is built even if the condition holds: on a hot path, pass a literal. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

export function assertNever(value: never): never {
  throw new InvariantViolation(`unexpected value ${JSON.stringify(value)}`);
}
