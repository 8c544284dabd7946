import type { RecordedRefusal } from '../../src/domain/events.js';

// What the reference model is made of: plain objects, and questions answered by looking at all.

export interface State {
  readonly records: Record<string, ModelRecord>;
  readonly holds: Record<string, ModelHold>;
}

export interface ModelRecord {
  onHand: number;
  version: number;
  updatedAt: number;
  sequence: number;
}

export interface Name {
  readonly storeId: string;
  readonly sku: string;
}

export type Part = 'committed' | 'released' | 'expired';

export type ModelHoldLine = Name & { qty: number; held: number } & Record<Part, number>;

export interface ModelHold {
  readonly id: string;
  version: number;
  status: 'active' | Part;
  readonly reference: string | null;
  readonly createdAt: number;
  expiresAt: number | null;
  retainUntil: number | null;
  readonly lines: ModelHoldLine[];
  readonly sequences: number[];
}

export type ModelStock = Name & ModelRecord & { reserved: number };

export interface ModelLine extends Name {
  readonly version: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
  readonly onHand: number;
  readonly reserved: number;
  readonly previousSequence: number;
}

export interface ModelNote {
  readonly reason?: string;
  readonly reference?: string;
}

export interface ModelEffect extends ModelNote {
  readonly line: number;
  readonly reservation?: number;
}

export interface ModelFacts extends ModelNote {
  readonly type: string;
  readonly refusal?: RecordedRefusal;
  readonly operations?: readonly ModelEffect[];
}

export interface ModelEvent extends ModelFacts {
  readonly sequence: number;
  readonly at: number;
  readonly lines: readonly ModelLine[];
  readonly reservations: readonly Omit<ModelHold, 'sequences'>[];
  request?: object;
}

export interface ModelRequest {
  readonly key: string;
  readonly fingerprint: string;
  readonly requestId: string;
  readonly instance: string;
}

export interface ModelKey {
  readonly fingerprint: string;
  readonly sequence: number;
  readonly until: number;
}

export type ModelOutcome =
  | { readonly kind: 'event'; readonly event: ModelEvent; readonly replayed: boolean }
  | { readonly kind: 'refusal'; readonly refusal: RecordedRefusal };

export function keyOf({ storeId, sku }: Name): string {
  return `${storeId}/${sku}`;
}

export function named(key: string): Name {
  const [storeId = '', sku = ''] = key.split('/');
  return { storeId, sku };
}

export function holdsWith({ holds }: State, key: string): ModelHold[] {
  return Object.values(holds).filter(
    ({ status, lines }) =>
      status === 'active' && lines.some((line) => line.held > 0 && keyOf(line) === key),
  );
}

export function heldIn(holds: readonly ModelHold[], key: string): number {
  const lines = holds.flatMap((hold) => hold.lines).filter((line) => keyOf(line) === key);
  return lines.reduce((sum, { held }) => sum + held, 0);
}

export function stockOf(state: State, key: string): ModelStock | undefined {
  const record = state.records[key];
  return record && { ...named(key), ...record, reserved: heldIn(holdsWith(state, key), key) };
}

export function isKnown({ retainUntil }: ModelHold, time: number): boolean {
  return retainUntil === null || retainUntil > time;
}

export function copyOf({ records, holds }: State): State {
  return {
    records: mapped(records, (record) => ({ ...record })),
    holds: mapped(holds, copyOfHold),
  };
}

export function copyOfHold(hold: ModelHold): ModelHold {
  const lines = hold.lines.map((line) => ({ ...line }));
  return { ...hold, lines, sequences: [...hold.sequences] };
}

function mapped<T>(all: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]));
}
