import { namedRecords, namedReservation } from '../../src/application/lock-scope.js';
import type {
  InventoryRepository,
  Transacted,
  Transaction,
  TransactionScope,
} from '../../src/application/ports.js';
import type { AdjustStock, Command } from '../../src/domain/commands.js';
import { decideExpiry } from '../../src/domain/decide-reservation.js';
import { decide } from '../../src/domain/decide.js';
import type { AnsweredRequest, EventDraft, InventoryEvent } from '../../src/domain/events.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import type { StoredReservation } from '../../src/domain/stock.js';
import { START, named } from '../support/facts.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';

/** A driver under test, on data that nobody else uses. */
export interface RepositoryHarness {
  readonly repository: InventoryRepository;
  /** Closes it and opens the same data again; only asked of a driver that outlives its process. */
  reopen(): Promise<InventoryRepository>;
  /** Lets go of everything, and leaves nothing behind. */
  dispose(): Promise<void>;
}

/** Opens a fresh driver whose record time follows `clock`. */
export type OpenHarness = (clock: FakeClock) => Promise<RepositoryHarness>;

export const CLOSED_RETENTION_MS = 10_000;
export const A = 'S1/A' as StockKey;
export const B = 'S2/B' as StockKey;
export const ALL = { after: undefined, limit: 1_000 };

/** The driver of the present test, and what tests do with it. */
export class RepositoryUnderTest {
  clock = createFakeClock();
  private harness: RepositoryHarness | undefined;
  private current: InventoryRepository | undefined;

  async open(openHarness: OpenHarness): Promise<void> {
    this.clock = createFakeClock();
    this.harness = await openHarness(this.clock);
    this.current = this.harness.repository;
  }

  async reopen(): Promise<void> {
    this.current = await this.harness?.reopen();
  }

  async dispose(): Promise<void> {
    await this.harness?.dispose();
  }

  get repository(): InventoryRepository {
    if (this.current === undefined) throw new Error('not open');
    return this.current;
  }

  async transact<T>(
    work: (tx: Transaction) => T,
    scope: TransactionScope = { records: [A] },
  ): Promise<Transacted<T>> {
    return await this.repository.transact(work, scope);
  }

  /** Decides and appends, and leaves it to the caller to wait until that is durable. */
  async begun(command: Command, request?: AnsweredRequest): Promise<Transacted<InventoryEvent>> {
    const records = namedRecords(command);
    const reservationId = namedReservation(command);
    const scope = reservationId === undefined ? { records } : { records, reservationId };
    return await this.transact((tx) => tx.append(decided(tx, command), request), scope);
  }

  /** Decides and appends; resolves when that is durable. */
  async done(command: Command, request?: AnsweredRequest): Promise<InventoryEvent> {
    const { result, durable } = await this.begun(command, request);
    await durable;
    return result;
  }

  /** Expires all that is due. */
  async expired(): Promise<InventoryEvent> {
    const due = await this.repository.dueHolds(this.repository.now(), 100);
    const records = due.flatMap(({ lines }) => lines.map(stockKey));
    const { result, durable } = await this.transact(
      (tx) => tx.append(decideExpiry(due, circumstances(tx))),
      { records },
    );
    await durable;
    return result;
  }

  /** What a transaction sees, when that is durable. */
  async newest<T>(look: (tx: Transaction) => T): Promise<T> {
    const { result, durable } = await this.transact(look);
    await durable;
    return result;
  }
}

export function decided(tx: Transaction, command: Command): EventDraft {
  return decide(command, circumstances(tx));
}

function circumstances(tx: Transaction) {
  return { state: tx.state, at: tx.at, reservationRetentionMs: CLOSED_RETENTION_MS };
}

export function adjust(key: string, delta: number): AdjustStock {
  return { type: 'AdjustStock', ...named(key), delta };
}

export function reserve(
  reservationId: string,
  units: Readonly<Record<string, number>>,
  more: { ttlMs?: number; reference?: string } = {},
): Command {
  const lines = Object.entries(units).map(([key, qty]) => ({ ...named(key), qty }));
  return { type: 'ReserveStock', reservationId, lines, ...more };
}

export function commit(reservationId: string, units?: Readonly<Record<string, number>>): Command {
  if (units === undefined) return { type: 'CommitReservation', reservationId };
  const lines = Object.entries(units).map(([key, qty]) => ({ ...named(key), qty }));
  return { type: 'CommitReservation', reservationId, lines };
}

export function transfer(from: string, to: string, sku: string, qty: number): Command {
  return { type: 'TransferStock', from, to, lines: [{ sku, qty }] };
}

export function request(key: string, keyUntil = START + 60_000): AnsweredRequest {
  return { key, fingerprint: `f-${key}`, keyUntil };
}

export function idsOf(reservations: readonly StoredReservation[]): string[] {
  return reservations.map(({ id }) => id);
}
