import { isUtf8 } from 'node:buffer';
import { RequestError, type MemberFault } from '../request-error.js';

const NESTING_MAX = 16;
/** Twice what the largest batch has. Of more, parsing alone would take a quarter of a second. */
const VALUES_MAX = 250_000;
/** Several times what any object of a request has. */
const MEMBERS_MAX = 64;

/**
 * Parses a JSON object (RFC 8259) and refuses what two parsers could read differently, so that the
 * value validated here is the one that the client meant. Throws malformed-json (not a JSON text in
 * UTF-8, or a duplicate member name) or validation-failed (any other fault of the value). Fractions
 * become the nearest double, as in JavaScript, unless that is an integer.
 */
export function parseJsonObject(bytes: Buffer): object {
  // Decoding replaces invalid UTF-8: different names, and keys, would become equal.
  if (!isUtf8(bytes)) throw new RequestError('malformed-json', 'The body is not UTF-8.');
  const text = bytes.toString('utf8');
  // Before it is parsed: the parser holds the event loop for as long as it takes.
  const shape = shapeOf(text);
  if (shape.values > VALUES_MAX) {
    throw refusal({ pointer: '', detail: `has more than ${VALUES_MAX} values` });
  }
  if (shape.membersMax > MEMBERS_MAX) {
    throw refusal({ pointer: '', detail: `has an object with more than ${MEMBERS_MAX} members` });
  }
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal({ pointer: '', detail: 'must be an object' });
  }
  const seen = { members: 0 };
  const fault = containerFault(value, 1, seen);
  if (fault !== undefined) throw refusal(fault);
  if (shape.hasFractions && hasFractionRoundedOff(text)) {
    throw refusal({ pointer: '', detail: 'has a fraction that would be rounded to an integer' });
  }
  // Of two members with the same name JSON.parse keeps the last, other parsers the first.
  if (seen.members !== shape.members) {
    throw new RequestError('malformed-json', 'An object has the same member name twice.');
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, and changes with the version of Node.
    throw new RequestError('malformed-json', 'The body is not a JSON text.');
  }
}

function refusal(fault: MemberFault): RequestError {
  return new RequestError('validation-failed', 'The body is not acceptable.', { errors: [fault] });
}

function containerFault(
  container: object,
  depth: number,
  seen: { members: number },
): MemberFault | undefined {
  if (depth > NESTING_MAX) {
    return { pointer: '', detail: `is nested deeper than ${NESTING_MAX} levels` };
  }
  if (Array.isArray(container)) {
    for (let index = 0; index < container.length; index += 1) {
      const fault = valueFault(container[index], depth, seen);
      if (fault !== undefined) return below(String(index), fault);
    }
    return undefined;
  }
  const members = container as Readonly<Record<string, unknown>>;
  // The object comes from JSON.parse: all members are its own, `__proto__` included.
  for (const name in members) {
    seen.members += 1;
    if (!name.isWellFormed()) return { pointer: '', detail: 'has a name with a lone surrogate' };
    const fault =
      name === '__proto__'
        ? { pointer: '', detail: 'is not a member name' }
        : valueFault(members[name], depth, seen);
    if (fault !== undefined) return below(name, fault);
  }
  return undefined;
}

function valueFault(
  value: unknown,
  depth: number,
  seen: { members: number },
): MemberFault | undefined {
  return typeof value === 'object' && value !== null
    ? containerFault(value, depth + 1, seen)
    : scalarFault(value);
}

function below(name: string, { pointer, detail }: MemberFault): MemberFault {
  return { pointer: `/${escapeToken(name)}${pointer}`, detail };
}

function scalarFault(value: unknown): MemberFault | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() ? undefined : { pointer: '', detail: 'has a lone surrogate' };
  }
  if (typeof value !== 'number') return undefined;
  if (Object.is(value, -0)) return { pointer: '', detail: 'is negative zero' };
  // An integer beyond 2^53 - 1 was rounded by the parser; 1e400 became Infinity.
  if (Number.isSafeInteger(value) || (value % 1 !== 0 && Number.isFinite(value))) return undefined;
  return { pointer: '', detail: 'is beyond the integers that are exact, ±(2^53 - 1)' };
}

/** RFC 6901 §3. */
export function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

interface Shape {
  /** Of all objects: every colon belongs to one. */
  readonly members: number;
  /** Of the largest object; objects that are nested too deep are not counted. */
  readonly membersMax: number;
  /** Whether there may be numbers with a fraction. */
  readonly hasFractions: boolean;
  /** Containers and commas: every value but the first ones of containers is counted. */
  readonly values: number;
}

/** By depth: of the object that is being read there. */
const membersAt = new Uint32Array(NESTING_MAX + 1);

/** What a valid JSON text consists of, from the characters that are in no string. */
function shapeOf(text: string): Shape {
  let members = 0;
  let membersMax = 0;
  let values = 0;
  let depth = 0;
  let hasFractions = false;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) quoted = !quoted;
    else if (unit === BACKSLASH) index += 1;
    else if (!quoted) {
      if (unit === COLON) {
        members += 1;
        const count = 1 + (membersAt[depth] ?? 0);
        membersAt[depth] = count;
        if (count > membersMax) membersMax = count;
      } else if (unit === COMMA) values += 1;
      else if (unit === POINT || unit === MINUS)
        hasFractions ||= unit === POINT || isExponent(text, index);
      else if (unit === OBJECT || unit === ARRAY) {
        values += 1;
        depth += 1;
        membersAt[depth] = 0;
      } else if (unit === OBJECT_END || unit === ARRAY_END) depth -= 1;
    }
  }
  return { members, membersMax, hasFractions, values };
}

/** Whether the minus is that of an exponent: `5e-1`. */
function isExponent(text: string, minus: number): boolean {
  return /e/i.test(text[minus - 1] ?? '');
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?/gi;

/** In a valid JSON text: whether a number has a fraction, and the parser has made an integer of it. */
function hasFractionRoundedOff(text: string): boolean {
  for (const [number, whole, fraction = '', exponent = '0'] of text.matchAll(STRING_OR_NUMBER)) {
    if (whole === undefined || !Number.isInteger(Number(number))) continue;
    const digits = withoutZerosAtEnd(whole + fraction);
    // The last digit that is not 0 stands this far behind the point.
    const places = digits.length - whole.length - Number(exponent);
    if (digits !== '' && places > 0) return true;
  }
  return false;
}

/** Not by a regular expression: `/0+$/` takes quadratic time where zeros are followed by a 1. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const BACKSLASH = 0x5c;
