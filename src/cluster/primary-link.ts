import type { Worker } from 'node:cluster';
import { UnavailableError } from '../domain/errors.js';
import type { MergedCounts, Reading } from '../observability/merge-resilience.js';
import type { Timers } from '../system.js';
import type { Started, ToPrimary, ToWorker } from './messages.js';

/** The primary asks all workers first, and waits half a second for a frozen one. */
const ANSWER_WAIT_MS = 5_000;
const RETRY_MS = 1_000;

/** A worker's link to the process that started it. */
export interface PrimaryLink {
  /** The number of this worker among all that were ever started. */
  readonly worker: number;
  /** The merged counts of all workers; `reset`: restarts them from zero. */
  counted(reset: boolean): Promise<MergedCounts>;
  /** Registers the function that reads this worker's counts. */
  answerWith(read: () => Reading): void;
  /** Reports that this worker listens. */
  ready(started: Started): void;
  /** Sends this worker's last counts; resolves when they are sent, or cannot be. */
  leave(): Promise<void>;
  /** Registers a task for when the primary is gone, and no connections arrive any more. */
  onGone(task: () => void): void;
}

export function joinPrimary(worker: Worker, timers: Timers): PrimaryLink {
  const waiting = new Map<number, (counted: MergedCounts) => void>();
  let asked = 0;
  let read: (() => Reading) | undefined;

  function send(message: ToPrimary, sent: () => void = () => undefined): void {
    if (worker.isConnected()) worker.send(message, sent);
    else sent();
  }

  function sendReading(sent?: () => void): void {
    if (read !== undefined) send({ kind: 'reading', reading: read() }, sent);
    else sent?.();
  }

  // A message was sent while the primary was ending: `disconnect` follows.
  worker.on('error', () => undefined);
  worker.on('message', (message: ToWorker) => {
    if (message.kind === 'read') sendReading();
    else waiting.get(message.id)?.(message.counted);
  });

  return {
    worker: worker.id,
    counted(reset) {
      asked += 1;
      const id = asked;
      return new Promise<MergedCounts>((resolve, reject) => {
        const giveUp = (): void => reject(new UnavailableError('overloaded', RETRY_MS));
        const cancel = timers.after(ANSWER_WAIT_MS, giveUp);
        waiting.set(id, (counted) => {
          cancel();
          resolve(counted);
        });
        send({ kind: 'ask', id, reset });
      }).finally(() => waiting.delete(id));
    },
    answerWith: (reading) => (read = reading),
    ready: (started) => send({ kind: 'ready', started }),
    leave: () => new Promise((resolve) => sendReading(resolve)),
    onGone(task) {
      worker.on('disconnect', () => {
        // Otherwise Node ends the process immediately, whatever it is doing.
        worker.exitedAfterDisconnect = true;
        task();
      });
    },
  };
}
