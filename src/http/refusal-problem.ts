import { assertNever } from '../assert.js';
import type { Refusal } from '../domain/errors.js';
import type { RecordedRefusal } from '../domain/events.js';
import type { RecordTime } from '../domain/stock.js';
import { etagOf } from './preconditions.js';
import { type Problem, retryAfter } from './problem.js';
import { timeText } from '../time-text.js';

/**
 * The problem that reports a refusal of the domain. `now` is only for Retry-After: the body comes
 * from the refusal alone, so that a replay repeats it byte for byte.
 */
export function refusalProblem(refusal: RecordedRefusal, now: RecordTime): Problem {
  const problem = describe(refusal, now);
  const { operation } = refusal;
  if (operation === undefined) return problem;
  return { ...problem, members: { ...problem.members, operation } };
}

function describe(refusal: Refusal, now: RecordTime): Problem {
  const { code } = refusal;
  switch (code) {
    case 'stock-not-found':
      return { code, detail: `There is no record of ${refusal.sku} in ${refusal.storeId}.` };
    case 'reservation-not-found':
      return { code, detail: `There is no reservation ${refusal.reservationId}.` };
    case 'version-conflict': {
      const { expectedVersion, currentVersion } = refusal;
      const detail = `Version ${expectedVersion} was expected; ${standing(currentVersion)}`;
      return { code, detail, members: { expectedVersion, currentVersion } };
    }
    case 'precondition-failed': {
      const { currentVersion } = refusal;
      const headers = currentVersion > 0 ? ['ETag', etagOf(currentVersion)] : [];
      const detail = `The precondition does not hold; ${standing(currentVersion)}`;
      return { code, detail, members: { currentVersion }, headers };
    }
    case 'reservation-not-active': {
      const { reservationStatus } = refusal;
      const detail = `The reservation is ${reservationStatus} already.`;
      return { code, detail, members: { reservationStatus } };
    }
    case 'insufficient-stock':
      return insufficient(refusal, now);
    case 'below-reserved': {
      const { storeId, sku, onHand, reserved } = refusal;
      const detail = `${reserved} of ${sku} in ${storeId} are reserved, more than ${onHand}.`;
      return { code, detail };
    }
    case 'same-store':
      return { code, detail: `${refusal.storeId} cannot transfer to itself.` };
    case 'reservation-exceeded': {
      const { storeId, sku, requested, held } = refusal;
      return {
        code,
        detail: `The reservation holds ${held} of ${sku} in ${storeId}, less than ${requested}.`,
      };
    }
    case 'quantity-overflow': {
      const { storeId, sku } = refusal;
      return { code, detail: `${sku} in ${storeId} would have more units than 2^53 - 1.` };
    }
    default:
      return assertNever(code);
  }
}

function standing(currentVersion: number): string {
  if (currentVersion === 0) return 'there is no such record.';
  return `the record has version ${currentVersion}.`;
}

function insufficient(
  { code, lines, earliestExpiry }: Extract<Refusal, { code: 'insufficient-stock' }>,
  now: RecordTime,
): Problem {
  const short = lines.map(({ storeId, sku, requested, available, version }) => ({
    storeId,
    sku,
    requested,
    available,
    version,
  }));
  const detail = 'Less is available than was asked for.';
  if (earliestExpiry === undefined) return { code, detail, members: { lines: short } };
  return {
    code,
    detail,
    members: { lines: short, earliestExpiry: timeText(earliestExpiry) },
    headers: retryAfter(earliestExpiry - now),
  };
}
