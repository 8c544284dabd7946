/** A broken invariant is a defect: it crashes the operation that met it, it is never a reply. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** The message is made whether it is needed or not: on a hot path, let it be a plain one. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

export function assertNever(value: never): never {
  throw new InvariantViolation(`unexpected value ${JSON.stringify(value)}`);
}
