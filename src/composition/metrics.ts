import type { SyncStatistics } from '../application/sync-control.js';
import type { AdmissionStatistics } from '../http/admission/admission.js';
import { admissionFamilies } from '../observability/admission-metrics.js';
import type { PrimaryLink } from '../cluster/primary-link.js';
import type { MetricsSource } from '../http/routes/metrics.js';
import type { Reading } from '../observability/merge-resilience.js';
import { createBaseline, metricsView } from '../observability/metrics.js';
import { type ProcessMetrics, createProcessMetrics } from '../observability/process-metrics.js';
import { type RequestMetrics, createRequestMetrics } from '../observability/request-metrics.js';
import {
  type ResilienceStatistics,
  resilienceFamilies,
} from '../observability/resilience-metrics.js';
import { type SharingStatistics, sharingFamilies } from '../observability/sharing-metrics.js';
import { type StorageMetrics, createStorageMetrics } from '../observability/storage-metrics.js';
import { syncFamilies } from '../observability/sync-metrics.js';
import type { DiskRoom } from '../storage/file/disk/free-space.js';
import type { FileInventoryRepository } from '../storage/file/file-inventory-repository.js';
import type { Clock, System } from '../system.js';

/** The parts that count, from the start of the process. */
export interface Counters {
  readonly requests: RequestMetrics;
  readonly storage: StorageMetrics;
  readonly process: ProcessMetrics;
}

/** The parts that are asked for present figures. */
export interface Counted {
  readonly repository: FileInventoryRepository;
  readonly disk: () => DiskRoom;
  readonly idempotencyKeysMax: number;
  readonly admission: AdmissionStatistics;
  /** Undefined: this process has the directory alone. */
  readonly sharing: SharingStatistics | undefined;
  /** Undefined: another process holds the central view, and reports it. */
  readonly sync: SyncStatistics | undefined;
  /** All breakers and bulkheads, except the breakers of the admission lanes. */
  readonly resilience: ResilienceStatistics;
}

export interface ServiceMetrics {
  /** Everything that this process has counted since its start. */
  read(): Reading;
  resilience(): ResilienceStatistics;
}

export function createCounters(system: System, version: string): Counters {
  return {
    requests: createRequestMetrics(),
    storage: createStorageMetrics(),
    process: createProcessMetrics({ ...system, version }),
  };
}

/** Gathers all metrics; `ask` is called for each reading. */
export function gatherMetrics(
  { requests, storage, process }: Counters,
  ask: () => Counted,
): ServiceMetrics {
  return {
    read() {
      const { repository, disk, idempotencyKeysMax, admission, sync, sharing, ...rest } = ask();
      const { recovery } = repository;
      const resilience = withLanes(rest.resilience, admission);
      const families = [
        ...requests.collect(),
        ...admissionFamilies({ ...admission, limiter: admission.limiter() }),
        ...storage.collect({
          ...repository.statistics(),
          recovery,
          disk: disk(),
          idempotencyKeysMax,
        }),
        ...(sharing === undefined ? [] : sharingFamilies(sharing)),
        ...(sync === undefined ? [] : syncFamilies(sync)),
        ...resilienceFamilies(resilience),
        ...process.collect(),
      ];
      return { families, resilience };
    },
    resilience() {
      const { resilience, admission } = ask();
      return withLanes(resilience, admission);
    },
  };
}

/** The metrics shown by a single process. */
export function metricsOfOne(clock: Clock, counted: ServiceMetrics): MetricsSource {
  const baseline = createBaseline(clock);
  const shown = ({ families, resilience }: Reading) => ({
    ...metricsView(baseline.since(families)),
    resilience,
  });
  return {
    read: () => shown(counted.read()),
    reset() {
      const reading = counted.read();
      baseline.reset(reading.families);
      return shown(reading);
    },
  };
}

/** The metrics shown by one of several workers: those of all of them. */
export function metricsOfAll(primary: PrimaryLink): MetricsSource {
  const counted = async (reset: boolean) => {
    const all = await primary.counted(reset);
    return { ...metricsView(all), resilience: all.resilience };
  };
  return { read: () => counted(false), reset: () => counted(true) };
}

function withLanes(
  { circuitBreakers, bulkheads }: ResilienceStatistics,
  { lanes }: AdmissionStatistics,
): ResilienceStatistics {
  const { reads, writes } = lanes;
  const ofLanes = { 'api reads': reads.breaker, 'api writes': writes.breaker };
  return { bulkheads, circuitBreakers: { ...ofLanes, ...circuitBreakers } };
}
