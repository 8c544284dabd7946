import type { EventType } from './events.js';
import { type StockKey, type StockName, stockKey } from './keys.js';
import type { RecordTime } from './stock.js';
import { NO_GAPS, type VersionGaps, isInGap, withGap, withoutVersion } from './version-gaps.js';

/** As much of an event as every feed tells. */
export interface AggregateEvent {
  readonly sequence: number;
  /** One that this version does not know cannot be folded. */
  readonly type: string;
  /** Of the event's shape; the first one, which is 1, need not be named. */
  readonly schemaVersion?: number | undefined;
  readonly at: RecordTime;
  readonly lines: readonly AggregateLine[];
}

export interface AggregateLine extends StockName {
  readonly version: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
}

/** What the central view knows of one store's record: the sum of the lines that were folded. */
export interface CentralRecord extends StockName {
  readonly onHand: number;
  readonly reserved: number;
  /** The highest version that was met. */
  readonly version: number;
  /** Versions up to that one which are not in the sums. */
  readonly gaps: VersionGaps;
}

/** A record as one source has it so far. */
export type CentralLookup = (name: StockName) => CentralRecord | undefined;

export type UnfoldableReason =
  'unknown-type' | 'unknown-schema' | 'version-gap' | 'version-repeated' | 'quantity-overflow';

export interface Unfoldable {
  readonly reason: UnfoldableReason;
  readonly detail: string;
}

export type Folded = { readonly records: readonly CentralRecord[] } | Unfoldable;

const SCHEMA_VERSION = 1;

/** A type that is added to the domain must be added here, or this does not compile. */
const TYPES: Readonly<Record<EventType, true>> = {
  StockAdjusted: true,
  StockCounted: true,
  StockReserved: true,
  StockReleased: true,
  StockCommitted: true,
  StockTransferred: true,
  StockBatch: true,
  ReservationExtended: true,
  ReservationExpired: true,
  RequestRefused: true,
};

/**
 * The records that one event changes, all or none of them. Sums of deltas do not depend on their
 * order, so that events which follow one that is missing can be folded before it; a version is
 * folded once, and only when none before it is missing, unless that one was set aside.
 */
export function foldEvent(lookup: CentralLookup, event: AggregateEvent): Folded {
  const { type, schemaVersion = SCHEMA_VERSION } = event;
  if (schemaVersion !== SCHEMA_VERSION) {
    return { reason: 'unknown-schema', detail: `schema version ${schemaVersion} is not known` };
  }
  if (!Object.hasOwn(TYPES, type)) {
    return { reason: 'unknown-type', detail: `events of type ${type} are not known` };
  }
  const [only] = event.lines;
  if (only !== undefined && event.lines.length === 1) {
    const next = follow(lookup(only), only);
    return 'reason' in next ? next : { records: [next] };
  }
  const changed = new Map<StockKey, CentralRecord>();
  for (const line of event.lines) {
    const key = stockKey(line);
    const next = follow(changed.get(key) ?? lookup(line), line);
    if ('reason' in next) return next;
    changed.set(key, next);
  }
  return { records: [...changed.values()] };
}

/**
 * A record from which one version is set aside, with all that is missing before it: what follows
 * that version can be folded, and the record is doubtful until the version is.
 */
export function setAside(
  before: CentralRecord | undefined,
  { storeId, sku, version }: StockName & { readonly version: number },
): CentralRecord {
  const known = before ?? { storeId, sku, onHand: 0, reserved: 0, version: 0, gaps: NO_GAPS };
  if (version <= known.version) return known;
  return { ...known, version, gaps: withGap(known.gaps, known.version + 1, version) };
}

function follow(before: CentralRecord | undefined, line: AggregateLine) {
  const { storeId, sku, version } = line;
  const known = before?.version ?? 0;
  const gaps = before?.gaps ?? NO_GAPS;
  const onHand = (before?.onHand ?? 0) + line.onHandDelta;
  const reserved = (before?.reserved ?? 0) + line.reservedDelta;
  if (version !== known + 1) {
    const objection = outOfOrder(line, known, gaps);
    if (objection !== undefined) return objection;
  }
  if (!Number.isSafeInteger(onHand) || !Number.isSafeInteger(reserved)) {
    const detail = `${stockKey(line)} would have more than can be counted exactly`;
    return { reason: 'quantity-overflow', detail } as const;
  }
  return {
    // The names it had, so that they stay in memory once.
    storeId: before?.storeId ?? storeId,
    sku: before?.sku ?? sku,
    onHand,
    reserved,
    version: Math.max(version, known),
    gaps: version > known ? gaps : withoutVersion(gaps, version),
  };
}

function outOfOrder(line: AggregateLine, known: number, gaps: VersionGaps): Unfoldable | undefined {
  const { version } = line;
  const missing = version > known ? known + 1 : gaps[0]?.[0];
  if (version <= known && !isInGap(gaps, version)) {
    const detail = `version ${version} of ${stockKey(line)} was met before`;
    return { reason: 'version-repeated', detail };
  }
  if (missing === version) return undefined;
  const detail = `version ${version} of ${stockKey(line)} came without version ${missing ?? 0}`;
  return { reason: 'version-gap', detail };
}
