import { createSystem } from './system.js';

/**
 * Who starts the service by way of npm, or stops a whole group of processes, has one signal come
 * twice: to us, and from whoever passes it on.
 */
const ONE_SIGNAL_MS = 500;

export interface StopTasks {
  readonly stop: () => void;
  /** At a second signal. */
  readonly force: () => void;
}

/**
 * Hears SIGTERM and SIGINT from now on; from the first moment, since a process that is the first of
 * its container (PID 1) is not even ended by a signal that it does not hear.
 */
export function onStopSignals({ stop, force }: StopTasks): void {
  const { clock } = createSystem();
  let firstMs: number | undefined;

  function heard(): void {
    const now = clock.monotonicMs();
    if (firstMs === undefined) {
      firstMs = now;
      stop();
    } else if (now - firstMs >= ONE_SIGNAL_MS) force();
  }

  process.on('SIGTERM', heard);
  process.on('SIGINT', heard);
}
