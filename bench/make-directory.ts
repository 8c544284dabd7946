/**
 * make-directory.ts DIRECTORY STEPS: fills a data directory with the real storage driver, without
 * HTTP. STEPS is JSON (directories.ts). A process of its own: its memory is not the bench's.
 */
import { createHash } from 'node:crypto';
import { createRecordClock } from '../src/application/record-clock.js';
import type { Transaction } from '../src/application/ports.js';
import type { Command } from '../src/domain/commands.js';
import { decide } from '../src/domain/decide.js';
import type { AnsweredRequest } from '../src/domain/events.js';
import {
  type FileInventoryRepository,
  openFileInventoryRepository,
} from '../src/storage/file/file-inventory-repository.js';
import { createNodeFileSystem } from '../src/storage/file/disk/node-file-system.js';
import type { SnapshotPolicy } from '../src/storage/file/snapshot/snapshot-policy.js';
import { createThreadSegmentChecker } from '../src/storage/file/integrity/thread-segment-checker.js';
import { createSystem } from '../src/system.js';
import type { Step } from './directories.js';
import { skuOf, STORE } from './requests.js';

/** As in src/composition. */
const AS_IN_PRODUCTION: SnapshotPolicy = { everyEvents: 100, logBytesMin: 32 * 1024 * 1024 };
const NEVER: SnapshotPolicy = { everyEvents: Infinity, logBytesMin: Infinity };
const NOW: SnapshotPolicy = { everyEvents: 1, logBytesMin: 0 };

const LINES_PER_EVENT = 1_000;
const EVENTS_PER_TRANSACTION = 1_000;
const HOUR_MS = 3_600_000;

const system = createSystem();
const [, , root = '', stepsText = '[]'] = process.argv;
const steps = JSON.parse(stepsText) as Step[];
for (const step of steps) {
  if (step.kind === 'snapshot') await makeSnapshot();
  else if (step.kind === 'records') await addRecords(step.count);
  else await addEvents(step);
}

/** A driver that opens a log which is worth a snapshot makes one at once. */
async function makeSnapshot(): Promise<void> {
  let onMade: () => void = () => undefined;
  const made = new Promise<void>((resolve) => (onMade = resolve));
  const repository = await open(NOW, onMade);
  await made;
  await repository.close();
}

async function addRecords(count: number): Promise<void> {
  await fill({ count: Math.ceil(count / LINES_PER_EVENT), perTransaction: 1 }, (index, append) => {
    const first = index * LINES_PER_EVENT;
    const lines = Math.min(LINES_PER_EVENT, count - first);
    const operations = Array.from({ length: lines }, (_, line) => ({
      type: 'AdjustStock' as const,
      storeId: STORE,
      sku: skuOf(first + line, count),
      delta: 1_000_000,
    }));
    append({ type: 'BatchStock', operations });
  });
}

async function addEvents(step: Extract<Step, { readonly records: number }>): Promise<void> {
  const { count, snapshots = false } = step;
  await fill({ count, perTransaction: EVENTS_PER_TRANSACTION, snapshots }, (index, append) => {
    const name = { storeId: STORE, sku: skuOf(index * 7_919, step.records) };
    const key = step.keyed ? `${step.kind}-${index}` : undefined;
    const reference = `order-${index}`;
    if (step.kind === 'adjusts') {
      append({ type: 'AdjustStock', ...name, delta: 1, reference }, key);
    } else {
      const reservationId = system.ids.next();
      append({ type: 'ReserveStock', reservationId, lines: [{ ...name, qty: 1 }], reference }, key);
    }
  });
}

type Append = (command: Command, key?: string) => void;

interface Amount {
  /** Of events. */
  readonly count: number;
  readonly perTransaction: number;
  readonly snapshots?: boolean;
}

/** While one transaction is written, the next is decided. */
async function fill(
  { count, perTransaction, snapshots = false }: Amount,
  each: (index: number, append: Append) => void,
): Promise<void> {
  const repository = await open(snapshots ? AS_IN_PRODUCTION : NEVER);
  let written: Promise<void> | undefined;
  for (let first = 0; first < count; first += perTransaction) {
    const scope = { records: [] }; // there is nobody else
    const { durable } = await repository.transact((transaction) => {
      const end = Math.min(count, first + perTransaction);
      for (let index = first; index < end; index += 1) each(index, appendTo(transaction));
    }, scope);
    await written;
    written = durable;
  }
  await repository.close();
}

function appendTo(tx: Transaction): Append {
  return (command, key) => {
    const draft = decide(command, { state: tx.state, at: tx.at, reservationRetentionMs: HOUR_MS });
    tx.append(draft, key === undefined ? undefined : answered(key, tx.at + HOUR_MS));
  };
}

/** Digests of the length that the service makes (idempotency-key.ts). */
function answered(key: string, keyUntil: number): AnsweredRequest {
  const digest = createHash('sha256').update(key).digest().toString('base64url', 0, 16);
  return { key: digest, fingerprint: digest, keyUntil };
}

async function open(
  snapshotPolicy: SnapshotPolicy,
  onSnapshot: () => void = () => undefined,
): Promise<FileInventoryRepository> {
  const fail = (problem: unknown): void => {
    if (problem !== undefined) throw new Error('storage has something to say', { cause: problem });
  };
  return await openFileInventoryRepository({
    root,
    system,
    snapshotPolicy,
    fileSystem: createNodeFileSystem(),
    recordClock: createRecordClock(system.clock, () => undefined),
    segmentChecker: createThreadSegmentChecker(root),
    snapshotRetry: { baseMs: 1_000, times: 0 },
    report: {
      warning: fail,
      writable: fail,
      fatal: fail,
      snapshot: onSnapshot,
      committed: () => undefined,
    },
  });
}
