import { type MetricFamily, byLabel, counter } from './metric-family.js';

/** Figures of a server about its sharing of the directory with others. */
export interface SharingStatistics {
  readonly turns: {
    readonly turns: number;
    readonly timedOut: number;
    readonly waitedMs: number;
    readonly superseded: number;
    readonly followed: number;
  };
  readonly leases: {
    readonly acquired: number;
    readonly contended: number;
    readonly stolen: number;
    readonly lost: number;
    readonly timedOut: number;
    readonly unavailable: number;
    readonly waitedMs: number;
  };
}

export function sharingFamilies({ turns, leases }: SharingStatistics): readonly MetricFamily[] {
  const { acquired, contended, stolen, lost, timedOut, unavailable } = leases;
  return [
    counter(
      'inventory_turns_total',
      'Exclusive turns on the log, each with at most one sync.',
      turns.turns,
    ),
    counter(
      'inventory_turn_wait_seconds_total',
      'Time spent waiting for turns; writes that wait together count once.',
      turns.waitedMs / 1_000,
    ),
    counter(
      'inventory_turn_timeouts_total',
      'Writes refused because no turn came in time (503 lock-contended).',
      turns.timedOut,
    ),
    counter(
      'inventory_superseded_total',
      'Decisions about a record that another process had changed since they were requested.',
      turns.superseded,
    ),
    counter(
      'inventory_followed_events_total',
      'Events of other processes that were folded in.',
      turns.followed,
    ),
    counter(
      'inventory_leases_total',
      'Leases of records: acquired; contended: another process held it; stolen: its holder had not renewed it in time; ' +
        'lost: to another process while it was held; timeout: 503 lock-contended; unavailable: it could not be created.',
      byLabel(
        'what',
        Object.entries({ acquired, contended, stolen, lost, timeout: timedOut, unavailable }),
      ),
    ),
    counter(
      'inventory_lease_wait_seconds_total',
      'Time that requests spent waiting for leases.',
      leases.waitedMs / 1_000,
    ),
  ];
}
