import type { InventoryEvent } from '../domain/events.js';
import type { Logger } from './logger.js';
import type { StorageMetrics } from './storage-metrics.js';

/** How many records, and reservations, the log line of an event names. */
const NAMED_MAX = 20;

/** Logs and counts the reports of the storage. */
export function createStorageReport(deps: {
  readonly logger: Logger;
  readonly metrics: StorageMetrics;
  /** Ends the process; called after the last line is logged. */
  readonly onFatal: () => void;
}) {
  const { logger, metrics, onFatal } = deps;
  return {
    warning(message: string): void {
      metrics.warned();
      logger.warn(message);
    },
    writable(problem: unknown): void {
      metrics.writable(problem === undefined);
      if (problem === undefined) logger.info('writes are taken again');
      else
        logger.error(
          { err: problem },
          `writes are refused (503), reads go on; ${adviceOn(problem)}`,
        );
    },
    snapshot(made: { readonly sequence: number; readonly bytes: number }): void {
      metrics.snapshotMade(made);
      logger.info(made, 'snapshot made');
    },
    committed(events: readonly InventoryEvent[], durationMs: number): void {
      metrics.committed(events, durationMs);
      if (!logger.isLevelEnabled('debug')) return;
      for (const event of events) logger.debug(eventEntry(event), 'event');
    },
    fatal(error: unknown): void {
      logger.fatal(
        { err: error },
        'storage cannot keep its promise and the process ends without acknowledging anything ' +
          'more: check the disk, then start again; the start recovers what was acknowledged',
      );
      onFatal();
    },
  };
}

/** A full disk (or quota) is the operator's to mend at once; for anything else there is a page. */
function adviceOn(problem: unknown): string {
  const { code } = Object(problem) as { readonly code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? 'free disk space'
    : 'see run.md, "When something is wrong"';
}

/** What happened to which records, without the text of clients (reason, reference). */
function eventEntry({ sequence, type, lines, reservations, refusal }: InventoryEvent): object {
  return {
    sequence,
    type,
    lines: lines.length,
    records: lines
      .slice(0, NAMED_MAX)
      .map(({ storeId, sku, version, onHandDelta, reservedDelta }) => ({
        storeId,
        sku,
        version,
        onHandDelta,
        reservedDelta,
      })),
    reservations: reservations.slice(0, NAMED_MAX).map(({ id }) => id),
    refusal: refusal?.code,
  };
}
