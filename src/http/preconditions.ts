import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from './request-error.js';

/** The accepted versions; `*`: any, as long as the record exists. */
export type Versions = readonly number[] | '*';

export interface WriteConditions {
  readonly ifMatch?: Versions;
  /** If-None-Match: * */
  readonly mustBeNew?: true;
}

/** The validator of a stock record is its version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * RFC 9110 §13.1.1: strong comparison, so that a weak tag matches nothing; neither does a tag that
 * this service never issued. Malformed: validation-failed.
 */
function parseIfMatch(header: string | undefined): Versions | undefined {
  if (header === undefined) return undefined;
  const tags = parseEntityTags('If-Match', header);
  if (tags === '*') return '*';
  const versions: number[] = [];
  for (const { weak, opaque } of tags) {
    const version = Number(opaque);
    if (!weak && VERSION_PATTERN.test(opaque) && Number.isSafeInteger(version)) {
      versions.push(version);
    }
  }
  return versions;
}

/** What If-Match demands of an action's one record; it must not contradict `expectedVersion`. */
export function recordConditions(
  headers: IncomingHttpHeaders,
  expectedVersion?: number,
): Versions | undefined {
  refuseIfNoneMatch(headers);
  const versions = parseIfMatch(headers['if-match']);
  if (versions === undefined || versions === '*' || expectedVersion === undefined) return versions;
  if (versions.length > 0 && !versions.includes(expectedVersion)) {
    throw invalid('If-Match and expectedVersion name different versions.');
  }
  return versions;
}

/** For a PUT: a condition is required, so that no client overwrites a state it has not seen. */
export function writeConditions(headers: IncomingHttpHeaders): WriteConditions {
  const ifMatch = parseIfMatch(headers['if-match']);
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch === undefined && ifMatch === undefined) {
    throw new RequestError(
      'precondition-required',
      'Send If-Match with the version that you have seen, or If-None-Match: * to create the record.',
    );
  }
  if (ifNoneMatch !== undefined && parseEntityTags('If-None-Match', ifNoneMatch) !== '*') {
    throw invalid('With PUT, If-None-Match can only be *.');
  }
  return {
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifNoneMatch !== undefined && { mustBeNew: true as const }),
  };
}

/** For what has no validator: the client would rely on a precondition that is ignored. */
export function refuseConditions(headers: IncomingHttpHeaders): void {
  refuseIfNoneMatch(headers);
  if (headers['if-match'] === undefined) return;
  throw invalid('If-Match does not apply here: send versions as expectedVersion.');
}

/** For reads of the past, which has no ETag: a write compares the present version. */
export function refuseIfMatch(headers: IncomingHttpHeaders): void {
  if (headers['if-match'] === undefined) return;
  throw invalid('If-Match applies to the current record: send either If-Match or at.');
}

/** The preconditions of a GET of the record. */
export interface ReadConditions {
  readonly ifMatch: Versions | undefined;
  readonly ifNoneMatch: readonly string[] | '*' | undefined;
}

export function readConditions(headers: IncomingHttpHeaders): ReadConditions {
  const header = headers['if-none-match'];
  const tags = header === undefined ? undefined : parseEntityTags('If-None-Match', header);
  return {
    ifMatch: parseIfMatch(headers['if-match']),
    ifNoneMatch: typeof tags === 'object' ? tags.map(({ opaque }) => opaque) : tags,
  };
}

/** Whether the client of a GET already has what this tag (without the quotes) stands for. */
export function isKnown(headers: IncomingHttpHeaders, opaque: string): boolean {
  const header = headers['if-none-match'];
  if (header === undefined) return false;
  const tags = parseEntityTags('If-None-Match', header);
  return tags === '*' || tags.some((tag) => tag.opaque === opaque);
}

/** RFC 9110 §13.2.2: If-Match first. If-None-Match uses the weak comparison (§13.1.2). */
export function judgeRead(
  { ifMatch, ifNoneMatch }: ReadConditions,
  version: number,
): 'send' | 'not-modified' | 'failed' {
  if (ifMatch !== undefined && ifMatch !== '*' && !ifMatch.includes(version)) return 'failed';
  if (ifNoneMatch === undefined) return 'send';
  const known = ifNoneMatch === '*' || ifNoneMatch.includes(String(version));
  return known ? 'not-modified' : 'send';
}

interface EntityTag {
  readonly weak: boolean;
  /** The text between the quotes. */
  readonly opaque: string;
}

const VERSION_PATTERN = /^[1-9][0-9]*$/;
/** Empty list elements are allowed (RFC 9110 §5.6.1); the characters are etagc of §8.8.3. */
const TAGS = /[ \t,]*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?=,|$)/gy;
const NOTHING_MORE = /^[ \t,]*$/;

function parseEntityTags(name: string, header: string): readonly EntityTag[] | '*' {
  if (header === '*') return '*';
  const tags: EntityTag[] = [];
  let end = 0;
  for (const match of header.matchAll(TAGS)) {
    tags.push({ weak: match[1] !== undefined, opaque: match[2] ?? '' });
    end = match.index + match[0].length;
  }
  if (tags.length > 0 && NOTHING_MORE.test(header.slice(end))) return tags;
  throw invalid(`${name} is neither * nor a list of entity tags.`);
}

function refuseIfNoneMatch(headers: IncomingHttpHeaders): void {
  if (headers['if-none-match'] === undefined) return;
  throw invalid('If-None-Match is for GET and PUT.');
}

function invalid(detail: string): RequestError {
  return new RequestError('validation-failed', detail);
}
