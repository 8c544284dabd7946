import type { Worker } from 'node:cluster';
import { UnavailableError } from '../domain/errors.js';
import type { MergedCounts, Reading } from '../observability/merge-resilience.js';
import type { Timers } from '../system.js';
import type { Started, ToPrimary, ToWorker } from './messages.js';

/** It asks all workers, and waits half a second for one that is frozen. */
const ANSWER_WAIT_MS = 5_000;
const RETRY_MS = 1_000;

/** What a worker has of the process that started it. */
export interface PrimaryLink {
  /** The number of this worker, among all that were ever started. */
  readonly worker: number;
  /** What all workers have counted together; `reset`: and they count from zero now. */
  counted(reset: boolean): Promise<MergedCounts>;
  /** How what this one has counted is read. */
  answerWith(read: () => Reading): void;
  /** It listens now. */
  ready(started: Started): void;
  /** Resolves when the primary knows what was counted until now. */
  leave(): Promise<void>;
  /** Called when the primary is gone: nobody sends anything here any more. */
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

  // What was sent to a primary that was ending just then: `disconnect` comes next.
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
        // Else Node ends the process here and now, whatever it is doing.
        worker.exitedAfterDisconnect = true;
        task();
      });
    },
  };
}
