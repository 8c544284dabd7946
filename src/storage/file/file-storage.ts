import { hostname } from 'node:os';
import type { RateLimit, RateLimiter } from '../../resilience/rate-limiter.js';
import {
  type FileInventoryRepository,
  type FileRepositoryDeps,
  openFileInventoryRepository,
} from './file-inventory-repository.js';
import { StorageFatalError } from './disk/errors.js';
import { openKernelLock } from './disk/kernel-lock.js';
import { takePresenceLock, takeSharedPresence } from './disk/presence-lock.js';
import {
  type SharingFigures,
  openSharedInventoryRepository,
} from './shared/shared-inventory-repository.js';
import { createContention } from './shared/contention.js';
import {
  type LeaseFigures,
  type LeaseOptions,
  type SkuLeases,
  createSkuLeases,
} from './shared/sku-leases.js';
import { type SharedLimiter, openSharedLimiter } from './shared/shared-limiter.js';
import { takeRole } from './shared/singleton-role.js';

/** Starts a task; resolves with the function that ends it. */
export type StartTask = () => Promise<() => Promise<void>>;

/** The coordination of servers that share a directory. */
export interface Sharing {
  readonly leases: SkuLeases;
  statistics(): { readonly turns: SharingFigures; readonly leases: LeaseFigures };
  /** A limiter whose token buckets all these servers share. */
  openLimiter(limit: RateLimit): RateLimiter;
}

/** A data directory in use: by this process alone, or by one of several that share it. */
export interface FileStorage {
  readonly repository: FileInventoryRepository;
  /** Undefined: this process has the directory alone. */
  readonly sharing: Sharing | undefined;
  /**
   * Runs a task that must run in only one process at a time, such as a timer: here at once, or
   * after the process that runs it has ended. `name` is the name of its lock.
   */
  inOneProcess(name: string, start: StartTask): { close(): Promise<void> };
  /** Releases the directory. Tasks started by `inOneProcess` must be closed before. */
  close(): Promise<void>;
}

export interface SharingOptions extends Omit<LeaseOptions, 'ownerId'> {
  /** Names this process in its leases; undefined: host, pid and a random suffix. */
  readonly ownerId: string | undefined;
}

export interface FileStorageDeps extends Omit<FileRepositoryDeps, 'presence'> {
  /** Undefined: this process uses the directory alone. Either all processes share it, or none. */
  readonly shared: SharingOptions | undefined;
}

/**
 * `root` is a directory that `prepareDirectory` has resolved: the lock and all other paths must name
 * the same one. Rejects with DataDirectoryError if it must not be used, or not in this mode.
 */
export function openFileStorage({ shared, ...deps }: FileStorageDeps): Promise<FileStorage> {
  return shared === undefined ? openExclusive(deps) : openShared(deps, shared);
}

async function openExclusive(deps: Omit<FileRepositoryDeps, 'presence'>): Promise<FileStorage> {
  const presence = takePresenceLock(deps.root);
  const repository = await openFileInventoryRepository({ ...deps, presence });
  return {
    repository,
    sharing: undefined,
    inOneProcess(_name, start) {
      const started = start();
      return { close: async () => await (await started)() };
    },
    async close() {
      await repository.close();
      presence.release();
    },
  };
}

async function openShared(
  deps: Omit<FileRepositoryDeps, 'presence'>,
  { ownerId, ...leaseOptions }: SharingOptions,
): Promise<FileStorage> {
  const { root, report, system } = deps;
  const { timers, clock, random, ids } = system;
  const presence = await takeSharedPresence(root, timers);
  const contention = createContention(() => clock.monotonicMs());
  const onSuperseded = (key: string): void => contention.note(key);
  const repository = await openSharedInventoryRepository({
    ...deps,
    presence,
    onSuperseded,
    openLock: openKernelLock,
  });
  const leases = createSkuLeases({
    ...leaseOptions,
    clock,
    timers,
    random,
    contention,
    ownerId: ownerId ?? `${hostname()}-${process.pid}-${ids.next().slice(-8)}`,
    directory: `${root}/locks`,
    onWarning: (message) => report.warning(message),
  });
  let limiter: SharedLimiter | undefined;
  return {
    repository,
    sharing: {
      leases,
      statistics: () => ({ turns: repository.sharing, leases: leases.figures }),
      openLimiter(limit) {
        const path = `${root}/limits`;
        const onWarning = (message: string): void => report.warning(message);
        const machineOffsetMs = machineMs() - clock.monotonicMs();
        limiter = openSharedLimiter({ path, limit, machineOffsetMs, onWarning });
        return limiter;
      },
    },
    inOneProcess: (name, start) =>
      takeRole({
        lock: openKernelLock(`${root}/${name}.lock`),
        timers,
        whenHeld: start,
        onError(error) {
          if (error instanceof StorageFatalError) report.fatal(error);
          else report.warning(`${name} does not run here: ${String(error)}`);
        },
      }),
    async close() {
      await leases.close();
      await repository.close();
      limiter?.close();
    },
  };
}

/** The machine's monotonic clock, which all its processes share. */
function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
