import type { BatchOperation, Command, VersionDemand } from '../../src/domain/commands.js';
import type { RecordedRefusal } from '../../src/domain/events.js';
import {
  type ModelEffect,
  type ModelFacts,
  type ModelHold,
  type ModelLine,
  type ModelNote,
  type Name,
  type Part,
  type State,
  copyOf,
  copyOfHold,
  heldIn,
  holdsWith,
  isKnown,
  keyOf,
  named,
} from './reference-state.js';

/** A command tried on a copy of the state: what comes of it is kept or thrown away. */
export class Trial {
  readonly state: State;
  facts: ModelFacts = { type: 'RequestRefused' };
  private readonly touched: string[] = [];
  private readonly changedHolds: string[] = [];

  constructor(
    private readonly before: State,
    private readonly time: number,
    private readonly retentionMs: number,
  ) {
    this.state = copyOf(before);
  }

  run(command: Command): RecordedRefusal | undefined {
    switch (command.type) {
      case 'AdjustStock':
        this.facts = { type: 'StockAdjusted', ...noted(command) };
        return this.adjust(command);
      case 'CountStock':
        this.facts = { type: 'StockCounted', ...noted(command) };
        return this.count(command);
      case 'ReserveStock':
        this.facts = { type: 'StockReserved', ...noted(command) };
        return this.reserve(command);
      case 'TransferStock':
        this.facts = { type: 'StockTransferred', ...noted(command) };
        return this.transfer(command);
      case 'BatchStock':
        return this.batch(command.operations);
      case 'ReleaseLine':
        this.facts = { type: 'StockReleased' };
        return this.releaseLine(command);
      case 'CommitReservation':
        this.facts = { type: 'StockCommitted' };
        return this.takePart(command, 'committed');
      case 'ReleaseReservation':
        this.facts = { type: 'StockReleased' };
        return this.takePart(command, 'released');
      case 'ExtendReservation':
        this.facts = { type: 'ReservationExtended' };
        return this.extend(command);
    }
  }

  private adjust(command: AnyOf<'AdjustStock'>): RecordedRefusal | undefined {
    const { delta } = command;
    const key = keyOf(command);
    if (delta < 0 && this.state.records[key] === undefined) return unknownStock(command);
    const unmet = this.unmet(key, command);
    if (unmet !== undefined) return unmet;
    if (this.available(key) + delta < 0) return this.shortage([{ key, requested: -delta }]);
    const onHand = BigInt(this.state.records[key]?.onHand ?? 0) + BigInt(delta);
    if (onHand > BigInt(Number.MAX_SAFE_INTEGER)) {
      return { code: 'quantity-overflow', ...nameOf(command) };
    }
    this.setOnHand(key, Number(onHand));
    return undefined;
  }

  private count(
    command: AnyOf<'CountStock'> & { readonly mustBeNew?: boolean },
  ): RecordedRefusal | undefined {
    const key = keyOf(command);
    const current = this.version(key);
    if (command.mustBeNew === true && current > 0) {
      return { code: 'precondition-failed', currentVersion: current };
    }
    const unmet = this.unmet(key, command);
    if (unmet !== undefined) return unmet;
    const reserved = heldIn(holdsWith(this.state, key), key);
    if (command.onHand < reserved) {
      return { code: 'below-reserved', ...nameOf(command), onHand: command.onHand, reserved };
    }
    this.setOnHand(key, command.onHand);
    return undefined;
  }

  private reserve(
    command: AnyOf<'ReserveStock'> & Pick<VersionDemand, 'ifMatch'>,
  ): RecordedRefusal | undefined {
    const wanted = summed(command.lines.map((line) => [keyOf(line), line.qty]));
    for (const key of Object.keys(wanted)) {
      if (this.state.records[key] === undefined) return unknownStock(named(key));
    }
    for (const line of command.lines) {
      const unmet = this.unmet(keyOf(line), { ...line, ...matching(command) });
      if (unmet !== undefined) return unmet;
    }
    const short = this.shortOf(wanted);
    if (short.length > 0) return this.shortage(short);
    const { reservationId: id, ttlMs, reference } = command;
    this.state.holds[id] = {
      id,
      version: 0,
      status: 'active',
      reference: reference ?? null,
      createdAt: this.time,
      expiresAt: ttlMs === undefined ? null : this.time + ttlMs,
      retainUntil: null,
      lines: Object.entries(wanted).map(([key, qty]) => ({
        ...named(key),
        qty,
        held: qty,
        committed: 0,
        released: 0,
        expired: 0,
      })),
      sequences: [],
    };
    this.changedHolds.push(id);
    for (const key of Object.keys(wanted)) this.touch(key);
    return undefined;
  }

  private transfer(command: AnyOf<'TransferStock'>): RecordedRefusal | undefined {
    const { from, to, lines } = command;
    if (from === to) return { code: 'same-store', storeId: from };
    const wanted = summed(lines.map(({ sku, qty }) => [keyOf({ storeId: from, sku }), qty]));
    for (const key of Object.keys(wanted)) {
      if (this.state.records[key] === undefined) return unknownStock(named(key));
    }
    const short = this.shortOf(wanted);
    if (short.length > 0) return this.shortage(short);
    for (const [source, qty] of Object.entries(wanted)) {
      const target = keyOf({ storeId: to, sku: named(source).sku });
      const onHand = BigInt(this.state.records[target]?.onHand ?? 0) + BigInt(qty);
      if (onHand > BigInt(Number.MAX_SAFE_INTEGER)) {
        return { code: 'quantity-overflow', ...named(target) };
      }
      this.setOnHand(source, this.state.records[source]!.onHand - qty);
      this.setOnHand(target, Number(onHand));
    }
    return undefined;
  }

  private batch(operations: readonly BatchOperation[]): RecordedRefusal | undefined {
    const effects: ModelEffect[] = [];
    for (const [index, operation] of operations.entries()) {
      const reserving = operation.type === 'ReserveStock';
      const refusal = this.run(operation);
      if (refusal !== undefined) return { ...refusal, operation: index };
      const line = this.touched.indexOf(keyOf(reserving ? operation.lines[0] : operation));
      const reservation = this.changedHolds.length - 1;
      effects.push({ line, ...(reserving && { reservation }), ...noted(operation) });
    }
    this.facts = { type: 'StockBatch', operations: effects };
    return undefined;
  }

  private releaseLine(command: AnyOf<'ReleaseLine'>): RecordedRefusal | undefined {
    const key = keyOf(command);
    const { reservationId } = command;
    if (this.state.records[key] === undefined) return unknownStock(command);
    const hold = this.knownHold(reservationId);
    const line = hold?.lines.find((each) => keyOf(each) === key);
    if (line === undefined) return { code: 'reservation-not-found', reservationId };
    const unmet = this.unmet(key, command);
    if (unmet !== undefined) return unmet;
    const qty = command.qty ?? Math.max(line.held, 1);
    return this.take(reservationId, { [key]: qty }, 'released');
  }

  private takePart(
    command: AnyOf<'CommitReservation' | 'ReleaseReservation'>,
    part: Part,
  ): RecordedRefusal | undefined {
    const { lines, reservationId } = command;
    const wanted = lines && summed(lines.map((line) => [keyOf(line), line.qty]));
    return this.take(reservationId, wanted, part);
  }

  private take(
    reservationId: string,
    wanted: Record<string, number> | undefined,
    part: Part,
  ): RecordedRefusal | undefined {
    const hold = this.knownHold(reservationId);
    if (hold === undefined) return { code: 'reservation-not-found', reservationId };
    if (hold.status !== 'active') {
      return { code: 'reservation-not-active', reservationStatus: hold.status };
    }
    for (const [key, requested] of Object.entries(wanted ?? {})) {
      const held = heldIn([hold], key);
      if (requested > held) return { code: 'reservation-exceeded', ...named(key), requested, held };
    }
    this.takeOut(reservationId, wanted, part);
    return undefined;
  }

  private extend(command: AnyOf<'ExtendReservation'>): RecordedRefusal | undefined {
    const { reservationId, ttlMs } = command;
    const hold = this.knownHold(reservationId);
    if (hold === undefined) return { code: 'reservation-not-found', reservationId };
    if (hold.status !== 'active') {
      return { code: 'reservation-not-active', reservationStatus: hold.status };
    }
    hold.expiresAt = this.time + ttlMs;
    this.changedHolds.push(reservationId);
    return undefined;
  }

  /** Takes units out of a hold; without `wanted` all that it holds. */
  takeOut(id: string, wanted: Record<string, number> | undefined, part: Part): void {
    const hold = this.state.holds[id]!;
    for (const line of hold.lines) {
      const key = keyOf(line);
      const qty = wanted === undefined ? line.held : (wanted[key] ?? 0);
      if (qty === 0) continue;
      line.held -= qty;
      line[part] += qty;
      if (part === 'committed') this.state.records[key]!.onHand -= qty;
      this.touch(key);
    }
    this.changedHolds.push(id);
    if (hold.lines.some((line) => line.held > 0)) return;
    hold.status = hold.lines.some((line) => line.committed > 0) ? 'committed' : part;
    hold.retainUntil = this.time + this.retentionMs;
  }

  /** Counts the touched records up, and says by which lines they moved. */
  closeRecords(sequence: number): ModelLine[] {
    return this.touched.map((key) => {
      const before = this.before.records[key];
      const after = this.state.records[key]!;
      const reservedBefore = heldIn(holdsWith(this.before, key), key);
      const reserved = heldIn(holdsWith(this.state, key), key);
      const version = (before?.version ?? 0) + 1;
      Object.assign(after, { version, updatedAt: this.time, sequence });
      return {
        ...named(key),
        version,
        onHandDelta: after.onHand - (before?.onHand ?? 0),
        reservedDelta: reserved - reservedBefore,
        onHand: after.onHand,
        reserved,
        previousSequence: before?.sequence ?? 0,
      };
    });
  }

  closeHolds(sequence: number): Omit<ModelHold, 'sequences'>[] {
    return this.changedHolds.map((id) => {
      const hold = this.state.holds[id]!;
      hold.version += 1;
      hold.sequences.push(sequence);
      const { sequences: _, ...reservation } = copyOfHold(hold);
      return reservation;
    });
  }

  private unmet(
    key: string,
    { ifMatch, expectedVersion }: VersionDemand,
  ): RecordedRefusal | undefined {
    const currentVersion = this.version(key);
    const matches =
      ifMatch === undefined ||
      (ifMatch === '*' ? currentVersion > 0 : ifMatch.includes(currentVersion));
    if (!matches) return { code: 'precondition-failed', currentVersion };
    if (expectedVersion === undefined || expectedVersion === currentVersion) return undefined;
    return { code: 'version-conflict', expectedVersion, currentVersion };
  }

  private version(key: string): number {
    return this.before.records[key]?.version ?? 0;
  }

  private available(key: string): number {
    const onHand = this.state.records[key]?.onHand ?? 0;
    return onHand - heldIn(holdsWith(this.state, key), key);
  }

  private shortOf(wanted: Record<string, number>): { key: string; requested: number }[] {
    return Object.entries(wanted)
      .filter(([key, qty]) => this.available(key) < qty)
      .map(([key, requested]) => ({ key, requested }));
  }

  private shortage(short: readonly { key: string; requested: number }[]): RecordedRefusal {
    const reliefs = short.map(({ key, requested }) => this.relief(key, requested));
    const known = reliefs.filter((at) => at !== undefined);
    return {
      code: 'insufficient-stock',
      lines: short.map(({ key, requested }) => ({
        ...named(key),
        requested,
        available: this.available(key),
        version: this.version(key),
      })),
      ...(known.length === short.length && { earliestExpiry: Math.max(...known) }),
    };
  }

  /** The first time at which the holds that have expired by then leave enough. */
  private relief(key: string, requested: number): number | undefined {
    const holds = holdsWith(this.before, key);
    const times = holds.map(({ expiresAt }) => expiresAt).filter((at) => at !== null);
    return times
      .sort((a, b) => a - b)
      .find((time) => {
        const gone = holds.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= time);
        return this.available(key) + heldIn(gone, key) >= requested;
      });
  }

  private knownHold(id: string): ModelHold | undefined {
    const hold = this.state.holds[id];
    return hold !== undefined && isKnown(hold, this.time) ? hold : undefined;
  }

  private setOnHand(key: string, onHand: number): void {
    const known = this.state.records[key];
    if (known !== undefined) known.onHand = onHand;
    else this.state.records[key] = { onHand, version: 0, updatedAt: 0, sequence: 0 };
    this.touch(key);
  }

  private touch(key: string): void {
    if (!this.touched.includes(key)) this.touched.push(key);
  }
}

type AnyOf<T extends Command['type']> = Extract<Command | BatchOperation, { type: T }>;

function nameOf({ storeId, sku }: Name): Name {
  return { storeId, sku };
}

function unknownStock(name: Name): RecordedRefusal {
  return { code: 'stock-not-found', ...nameOf(name) };
}

function summed(parts: readonly (readonly [string, number])[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, qty] of parts) sums[key] = (sums[key] ?? 0) + qty;
  return sums;
}

function noted({
  reason,
  reference,
}: {
  reason?: string | undefined;
  reference?: string | undefined;
}): ModelNote {
  return { ...(reason !== undefined && { reason }), ...(reference !== undefined && { reference }) };
}

function matching({ ifMatch }: VersionDemand): VersionDemand {
  return ifMatch === undefined ? {} : { ifMatch };
}
