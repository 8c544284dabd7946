import type { Timers } from '../system.js';
import type { Logger } from './logger.js';

const REPORT_AFTER_MS = 1_000;

/**
 * Logs connections that were closed for what was sent on them. One line per second covers all of
 * them, since a client can send something other than HTTP, or nothing, as often as it likes.
 */
export function logRefusedConnections(logger: Logger, timers: Timers): (status: number) => void {
  let byStatus = new Map<number, number>();

  function report(): void {
    const statuses = Object.fromEntries(byStatus);
    byStatus = new Map();
    logger.info({ statuses }, 'connections were refused in the last second');
  }

  return (status) => {
    if (byStatus.size === 0) timers.after(REPORT_AFTER_MS, report);
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  };
}
