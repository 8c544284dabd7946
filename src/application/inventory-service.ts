import type { Command } from '../domain/commands.js';
import { decide } from '../domain/decide.js';
import { decideExpiry } from '../domain/decide-reservation.js';
import { IdempotencyKeyReusedError, UnavailableError } from '../domain/errors.js';
import type {
  AnsweredRequest,
  EventDraft,
  InventoryEvent,
  RecordedRefusal,
} from '../domain/events.js';
import { knownReservation, liveKey } from '../domain/evolve.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import { type StoredReservation, isDue } from '../domain/stock.js';
import type { KeyedMutex } from '../resilience/keyed-mutex.js';
import { CommandScope, namedRecords, namedReservation } from './lock-scope.js';
import type { InventoryRepository, Transacted, Transaction, TransactionScope } from './ports.js';

/** About how many lines of due holds one transaction settles before others get in. */
const SETTLED_LINES_MAX = 1_000;
/** The Retry-After when the table of idempotency keys is full, in ms. */
const KEYS_FULL_RETRY_MS = 5_000;

/** What identifies an idempotent request, and what its replayed answer must repeat. */
export type KeyedRequest = Required<Omit<AnsweredRequest, 'keyUntil'>>;

/** The outcome of a command. Every success, and every refusal of a keyed request, is an event. */
export type Outcome =
  | { readonly kind: 'event'; readonly event: InventoryEvent; readonly replayed: boolean }
  | { readonly kind: 'refusal'; readonly refusal: RecordedRefusal };

export interface InventoryService {
  /**
   * Decides `command` and resolves when its outcome is durable. Rejects with
   * IdempotencyKeyReusedError, or with UnavailableError: the command then has no effect, unless
   * the process ends.
   */
  execute(command: Command, request?: KeyedRequest): Promise<Outcome>;
  /** Expires some due holds, and resolves once that is durable; true: there may be more. */
  settleDue(): Promise<boolean>;
  /** Expires the due holds of these records, so that a read may follow. */
  settleRecords(keys: readonly StockKey[]): Promise<void>;
}

export interface InventoryServiceDeps {
  readonly repository: InventoryRepository;
  readonly mutex: KeyedMutex;
  readonly idempotencyTtlMs: number;
  readonly idempotencyKeysMax: number;
  readonly reservationRetentionMs: number;
}

type Decided = Outcome | { readonly kind: 'replay'; readonly sequence: number } | 'reused';
type Step = Decided | 'again';

export function createInventoryService(deps: InventoryServiceDeps): InventoryService {
  const { repository, mutex, reservationRetentionMs } = deps;

  /** One attempt: replay, else settle due holds, else decide and append. */
  function step(tx: Transaction, command: Command, request: KeyedRequest | undefined): Step {
    if (request !== undefined) {
      const known = liveKey(tx.state, request.key, tx.at);
      if (known !== undefined) {
        if (known.fingerprint !== request.fingerprint) return 'reused';
        return { kind: 'replay', sequence: known.sequence };
      }
      if (tx.state.keyCount >= deps.idempotencyKeysMax) {
        throw new UnavailableError('overloaded', KEYS_FULL_RETRY_MS);
      }
    }
    if (tx.state.mayHaveDue(tx.at) && settle(tx, recordsOf(tx, command))) return 'again';
    const draft = decide(command, { state: tx.state, at: tx.at, reservationRetentionMs });
    if (draft.refusal !== undefined && request === undefined) {
      return { kind: 'refusal', refusal: draft.refusal };
    }
    const keyUntil = tx.at + deps.idempotencyTtlMs;
    const event = tx.append(draft, request && answered(request, draft, keyUntil));
    return { kind: 'event', event, replayed: false };
  }

  /** Expires the due holds of these records; true: there may be more. */
  function settle(tx: Transaction, keys: readonly StockKey[]): boolean {
    const due = new Map<string, StoredReservation>();
    let lines = 0;
    for (const key of keys) {
      for (const hold of tx.state.expiringHolds(key)) {
        if (!isDue(hold, tx.at)) break;
        if (lines >= SETTLED_LINES_MAX) return expire(tx, due.values(), true);
        if (due.has(hold.id)) continue;
        due.set(hold.id, hold);
        lines += hold.lines.length;
      }
    }
    return expire(tx, due.values(), false);
  }

  function expire<T>(tx: Transaction, holds: Iterable<StoredReservation>, result: T): T {
    const due = [...holds];
    if (due.length > 0) {
      tx.append(decideExpiry(due, { state: tx.state, at: tx.at, reservationRetentionMs }));
    }
    return result;
  }

  /**
   * Steps until the command is decided, within the mutex: commands about a record are decided in
   * the order in which they came, however many due holds are settled first.
   */
  function attempt(
    command: Command,
    request: KeyedRequest | undefined,
    scope: TransactionScope,
  ): Transacted<Decided> | Promise<Transacted<Decided>> {
    const transacted = repository.transact((tx) => step(tx, command, request), scope);
    return transacted instanceof Promise
      ? transacted.then((each) => decided(each, command, request, scope))
      : decided(transacted, command, request, scope);
  }

  function decided(
    transacted: Transacted<Step>,
    command: Command,
    request: KeyedRequest | undefined,
    scope: TransactionScope,
  ): Transacted<Decided> | Promise<Transacted<Decided>> {
    if (isDecided(transacted)) return transacted;
    return Promise.resolve(transacted.durable).then(() => attempt(command, request, scope));
  }

  /** A reservation's records never change, so any known version of it names them. */
  async function lockKeys(scope: TransactionScope): Promise<readonly string[]> {
    const { records, reservationId } = scope;
    if (reservationId === undefined) return records;
    const known = await repository.reservation(reservationId);
    return [...records, ...(known?.lines.map(stockKey) ?? []), reservationId];
  }

  /** The keys that a command locks; as a function, computed only if they are contended. */
  function locksOf(scope: CommandScope): (() => readonly string[]) | Promise<readonly string[]> {
    return scope.reservationId === undefined ? () => scope.records : lockKeys(scope);
  }

  return {
    async execute(command, request) {
      const scope = new CommandScope(command, request?.key);
      const locks = locksOf(scope);
      const transacted = mutex.runExclusive(locks instanceof Promise ? await locks : locks, () =>
        attempt(command, request, scope),
      );
      // Await only real promises: otherwise every write would cost a microtask and a promise.
      const { result, durable } = transacted instanceof Promise ? await transacted : transacted;
      // The mutex is already free: the next writer of this record does not wait for the disk.
      if (durable !== undefined) await durable;
      if (result === 'reused') throw new IdempotencyKeyReusedError();
      if (result.kind !== 'replay') return result;
      return { kind: 'event', event: await repository.event(result.sequence), replayed: true };
    },
    async settleDue() {
      const candidates = await repository.dueHolds(repository.now(), SETTLED_LINES_MAX);
      const named = new Set<StockKey>();
      let taken = 0;
      for (; taken < candidates.length && named.size < SETTLED_LINES_MAX; taken += 1) {
        for (const line of candidates[taken]?.lines ?? []) named.add(stockKey(line));
      }
      if (named.size === 0) return false;
      const records = [...named];
      const { result, durable } = await repository.transact((tx) => settle(tx, records), {
        records,
      });
      await durable;
      return result || taken < candidates.length || taken === SETTLED_LINES_MAX;
    },
    async settleRecords(keys) {
      let more = true;
      while (more) {
        const { result, durable } = await mutex.runExclusive(keys, () =>
          repository.transact((tx) => settle(tx, keys), { records: keys }),
        );
        await durable;
        more = result;
      }
    },
  };
}

function isDecided(transacted: Transacted<Step>): transacted is Transacted<Decided> {
  return transacted.result !== 'again';
}

/** Every record that the command touches, including those of the reservation it uses. */
function recordsOf(tx: Transaction, command: Command): readonly StockKey[] {
  const reservationId = namedReservation(command);
  const named = namedRecords(command);
  if (reservationId === undefined) return named;
  const known = knownReservation(tx.state, reservationId, tx.at);
  return [...named, ...(known?.lines.map(stockKey) ?? [])];
}

/** An answer is rendered from the event; only that of a refusal also names its request. */
function answered(
  { key, fingerprint, requestId, instance }: KeyedRequest,
  draft: EventDraft,
  keyUntil: number,
): AnsweredRequest {
  if (draft.refusal === undefined) return { key, fingerprint, keyUntil };
  return { key, fingerprint, keyUntil, requestId, instance };
}
