import { readdirSync } from 'node:fs';
import type { Clock, Timers } from '../system.js';
import { Histogram } from './histogram.js';
import { type MetricFamily, counter, gauge, histogram } from './metric-family.js';

export interface ProcessMetrics {
  collect(): readonly MetricFamily[];
  /** Stops watching the event loop. */
  stop(): void;
}

/** How often the delay of the event loop is measured. */
const TICK_MS = 20;
const DELAY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Metrics of this process, named as in Prometheus client libraries. */
export function createProcessMetrics(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly version: string;
}): ProcessMetrics {
  const { clock, timers, version } = deps;
  const startedAtMs = clock.wallMs();
  const delays = new Histogram(DELAY_BOUNDS);
  let cancel = tick();

  /** The delay of a timer is how long everything else had to wait, too. */
  function tick(): () => void {
    const dueMs = clock.monotonicMs() + TICK_MS;
    return timers.after(TICK_MS, () => {
      delays.observe(Math.max(0, clock.monotonicMs() - dueMs) / 1_000);
      cancel = tick();
    });
  }

  return {
    stop: () => cancel(),
    collect() {
      const { user, system } = process.cpuUsage();
      const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
      const info = [{ labels: { version, node: process.version }, value: 1 }];
      return [
        gauge('inventory_build_info', 'Versions of the service and of Node.js.', info, 'largest'),
        histogram('inventory_event_loop_delay_seconds', 'How late a timer of 20 ms fired.', [
          delays.sample(),
        ]),
        counter(
          'process_cpu_seconds_total',
          'CPU time of all threads.',
          (user + system) / 1e6,
          'each',
        ),
        gauge(
          'process_start_time_seconds',
          'Start time since the Unix epoch.',
          startedAtMs / 1_000,
          'each',
        ),
        gauge('process_resident_memory_bytes', 'Resident memory.', rss, 'each'),
        gauge('process_open_fds', 'Open file descriptors; 0: unknown.', openDescriptors(), 'each'),
        gauge('nodejs_heap_size_total_bytes', 'Heap of the main thread.', heapTotal, 'each'),
        gauge('nodejs_heap_size_used_bytes', 'Used heap of the main thread.', heapUsed, 'each'),
        gauge(
          'nodejs_external_memory_bytes',
          'Memory outside the heap, such as buffers.',
          external,
          'each',
        ),
      ];
    },
  };
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
