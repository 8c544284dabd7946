import { createSystem } from './system.js';

/**
 * If the service was started by npm, or a whole process group is stopped, one signal arrives twice:
 * directly, and passed on by the parent.
 */
const ONE_SIGNAL_MS = 500;

export interface StopTasks {
  readonly stop: () => void;
  /** Called for a second signal. */
  readonly force: () => void;
}

/**
 * Handles SIGTERM and SIGINT from now on. Called before anything else, since PID 1 of a container
 * is not even ended by a signal that it does not handle.
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
