import type { SyncStatistics } from './application/sync-control.js';
import type { AdmissionStatistics } from './http/admission.js';
import { admissionFamilies } from './observability/admission-metrics.js';
import { type Metrics, createMetrics } from './observability/metrics.js';
import { type ProcessMetrics, createProcessMetrics } from './observability/process-metrics.js';
import { type RequestMetrics, createRequestMetrics } from './observability/request-metrics.js';
import {
  type ResilienceStatistics,
  resilienceFamilies,
} from './observability/resilience-metrics.js';
import { type StorageMetrics, createStorageMetrics } from './observability/storage-metrics.js';
import { syncFamilies } from './observability/sync-metrics.js';
import type { FileInventoryRepository } from './storage/file/file-inventory-repository.js';
import type { System } from './system.js';

/** Those who count, from the first moment on. */
export interface Counters {
  readonly requests: RequestMetrics;
  readonly storage: StorageMetrics;
  readonly process: ProcessMetrics;
}

/** Those who know how things stand. */
export interface Counted {
  readonly repository: FileInventoryRepository;
  readonly admission: AdmissionStatistics;
  /** Undefined: another process keeps the central view, and tells of it. */
  readonly sync: SyncStatistics | undefined;
  /** Of the central view. */
  readonly resilience: ResilienceStatistics;
}

export interface ServiceMetrics extends Metrics {
  resilience(): ResilienceStatistics;
}

export function createCounters(system: System, version: string): Counters {
  return {
    requests: createRequestMetrics(),
    storage: createStorageMetrics(),
    process: createProcessMetrics({ ...system, version }),
  };
}

/** Everything that is counted; `ask` is called when somebody wants to know. */
export function gatherMetrics(
  { requests, storage, process }: Counters,
  system: System,
  ask: () => Counted,
): ServiceMetrics {
  const metrics = createMetrics(system.clock, () => {
    const { repository, admission, sync, ...rest } = ask();
    const { recovery } = repository;
    return [
      ...requests.collect(),
      ...admissionFamilies(admission),
      ...storage.collect({ ...repository.statistics(), recovery }),
      ...(sync === undefined ? [] : syncFamilies(sync)),
      ...resilienceFamilies(withLanes(rest.resilience, admission)),
      ...process.collect(),
    ];
  });
  return Object.assign(metrics, {
    resilience() {
      const { resilience, admission } = ask();
      return withLanes(resilience, admission);
    },
  });
}

function withLanes(
  { circuitBreakers, bulkheads }: ResilienceStatistics,
  { lanes }: AdmissionStatistics,
): ResilienceStatistics {
  const { reads, writes } = lanes;
  const ofLanes = { 'api reads': reads.breaker, 'api writes': writes.breaker };
  return { bulkheads, circuitBreakers: { ...ofLanes, ...circuitBreakers } };
}
