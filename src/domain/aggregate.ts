import type { EventType } from './events.js';
import { type StockKey, type StockName, stockKey } from './keys.js';
import type { RecordTime } from './stock.js';
import { NO_GAPS, type VersionGaps, isInGap, withGap, withoutVersion } from './version-gaps.js';

/** The part of an event that every feed contains. */
export interface AggregateEvent {
  readonly sequence: number;
  /** A type that this version does not know cannot be folded. */
  readonly type: string;
  /** Version of the event's shape; 1 if absent. */
  readonly schemaVersion?: number | undefined;
  readonly at: RecordTime;
  readonly lines: readonly AggregateLine[];
}

export interface AggregateLine extends StockName {
  readonly version: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
}

/** A store's record in the central view: the sum of its folded lines. */
export interface CentralRecord extends StockName {
  readonly onHand: number;
  readonly reserved: number;
  /** The highest version folded or set aside. */
  readonly version: number;
  /** Versions up to `version` that are not in the sums, but may still be folded. */
  readonly gaps: VersionGaps;
}

/** Finds a record as folded so far from one source. */
export type CentralLookup = (name: StockName) => CentralRecord | undefined;

export type UnfoldableReason =
  'unknown-type' | 'unknown-schema' | 'version-gap' | 'version-repeated' | 'quantity-overflow';

export interface Unfoldable {
  readonly reason: UnfoldableReason;
  readonly detail: string;
}

export type Folded = { readonly records: readonly CentralRecord[] } | Unfoldable;

const SCHEMA_VERSION = 1;

/** Complete by its type: an event type that is missing here is a compile error. */
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
 * The records that one event changes, all of them or none. Sums of deltas do not depend on order,
 * so events that follow one that was set aside can be folded before it. A version is folded once,
 * and only if it is the record's next one or the lowest of its gaps.
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
 * The record with one version set aside, and every missing version before it: later versions can be
 * folded, and the record is doubtful until this version is.
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
    // The record's own strings, so that each name is in memory once.
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
