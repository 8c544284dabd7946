import type { SyncStatistics } from '../application/sync-control.js';
import { type MetricFamily, type NumberSample, counter, gauge } from './metric-family.js';

type SourceFigures = SyncStatistics['sources'][number];

/** Metrics of the central view. Sources are named as configured. */
export function syncFamilies(sync: SyncStatistics): readonly MetricFamily[] {
  function bySource(figure: (source: SourceFigures) => number | undefined): NumberSample[] {
    return sync.sources.flatMap((source) => {
      const value = figure(source);
      return value === undefined ? [] : [{ labels: { source: source.name }, value }];
    });
  }

  return [
    gauge(
      'inventory_sync_running',
      '1: the periodic timer is on.',
      Number(sync.running),
      'largest',
    ),
    counter('inventory_sync_runs_total', 'Runs of the sync worker.', sync.runs),
    counter(
      'inventory_sync_failed_runs_total',
      'Runs in which a source could not be read to its end.',
      sync.failedRuns,
    ),
    gauge(
      'inventory_sync_last_run_duration_seconds',
      'Duration of the last run.',
      sync.lastRunDurationMs / 1_000,
      'largest',
    ),
    counter('inventory_sync_events_total', 'Events folded.', sync.eventsFolded),
    counter(
      'inventory_sync_duplicates_total',
      'Events skipped because a source had sent them before.',
      sync.duplicatesSkipped,
    ),
    gauge(
      'inventory_sync_sequence',
      'Sequence of the last event folded.',
      bySource(sequenceOf),
      'largest',
    ),
    gauge(
      'inventory_sync_lag_events',
      'Events of a source not folded yet.',
      bySource(lagOf),
      'largest',
    ),
    gauge(
      'inventory_sync_age_seconds',
      'Time since a source was last folded to its end; absent: never.',
      bySource(ageOf),
      'largest',
    ),
    gauge(
      'inventory_sync_source_up',
      '0: the source cannot be folded; the others still are.',
      bySource(({ up }) => Number(up)),
      'largest',
    ),
    gauge(
      'inventory_dead_letters',
      'Open dead letters, which an operator has to retry or discard.',
      sync.lettersOpen,
      'largest',
    ),
    counter('inventory_dead_letters_total', 'Dead letters opened.', sync.lettersOpened),
    gauge('inventory_central_records', 'Records in the central view.', sync.records, 'largest'),
  ];
}

const sequenceOf = ({ sequence }: SourceFigures): number => sequence;
const lagOf = ({ lag }: SourceFigures): number => lag;
const ageOf = ({ ageMs }: SourceFigures): number | undefined =>
  ageMs === undefined ? undefined : ageMs / 1_000;
