/** Why a request is refused before or without asking the domain; `problem.ts` has the statuses. */
export type RequestErrorCode =
  | 'malformed-json'
  | 'validation-failed'
  | 'not-found'
  | 'dead-letter-not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'payload-too-large'
  | 'uri-too-long'
  | 'unsupported-media-type'
  | 'expectation-failed'
  | 'precondition-required'
  | 'rate-limited'
  | 'shutting-down';

/** One offending member: `pointer` is a JSON pointer (RFC 6901) into the body; '': all of it. */
export interface MemberFault {
  readonly pointer: string;
  readonly detail: string;
}

interface RequestErrorMembers {
  readonly errors?: readonly MemberFault[];
  /** The methods that the path answers, for the `Allow` header of a 405. */
  readonly allow?: readonly string[];
}

/** `message` is the problem's `detail`: written for the client, it reveals nothing internal. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly errors?: readonly MemberFault[];
  readonly allow?: readonly string[];

  constructor(
    readonly code: RequestErrorCode,
    detail: string,
    { errors, allow }: RequestErrorMembers = {},
  ) {
    super(detail);
    if (errors !== undefined) this.errors = errors;
    if (allow !== undefined) this.allow = allow;
  }
}

/** The `type` of a problem: a stable URI reference that ends in its code (RFC 9457 §3.1.1). */
export function problemType(code: string): string {
  return `/problems/${code}`;
}
