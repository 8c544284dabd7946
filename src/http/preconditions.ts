import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from './request-error.js';

/** The versions that would do; `*`: any, as long as there is one. */
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
 * RFC 9110 §13.1.1: the strong comparison, so that a weak tag matches nothing; neither does a tag
 * that we never gave. Malformed: validation-failed.
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

/** What If-Match and `expectedVersion` demand of the one record that an action is about. */
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

/** Of a PUT: one of the two is required, so that nobody overwrites what he has not seen. */
export function writeConditions(headers: IncomingHttpHeaders): WriteConditions {
  const ifMatch = parseIfMatch(headers['if-match']);
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch === undefined && ifMatch === undefined) {
    throw new RequestError(
      'precondition-required',
      'Name the version that you counted on with If-Match, or create with If-None-Match: *.',
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

/** For what has no validator: a precondition that would be ignored is a protection not given. */
export function refuseConditions(headers: IncomingHttpHeaders): void {
  refuseIfNoneMatch(headers);
  if (headers['if-match'] === undefined) return;
  throw invalid('If-Match says nothing here: name versions with expectedVersion.');
}

/** Of the past, which has no ETag: what a write would compare is the present version. */
export function refuseIfMatch(headers: IncomingHttpHeaders): void {
  if (headers['if-match'] === undefined) return;
  throw invalid('If-Match is about the present: leave out either it or at.');
}

/** What a GET of the record asks before it is answered with the record itself. */
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

/** Whether the client of a GET has it already, whatever its tag is (without the quotes). */
export function isKnown(headers: IncomingHttpHeaders, opaque: string): boolean {
  const header = headers['if-none-match'];
  if (header === undefined) return false;
  const tags = parseEntityTags('If-None-Match', header);
  return tags === '*' || tags.some((tag) => tag.opaque === opaque);
}

/** RFC 9110 §13.2.2: If-Match first. The comparison of If-None-Match is the weak one (§13.1.2). */
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
  /** What stands between the quotes. */
  readonly opaque: string;
}

const VERSION_PATTERN = /^[1-9][0-9]*$/;
/** Empty elements of a list are no fault (RFC 9110 §5.6.1); etagc is §8.8.3's. */
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
