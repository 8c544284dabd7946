import { copyDirectory } from '../../../../src/storage/file/copy/copy-directory.js';
import { takeTarget } from '../../../../src/storage/file/copy/copy-target.js';
import type { FileSystem } from '../../../../src/storage/file/disk/file-system.js';
import type { LogReport } from '../../../../src/storage/file/recovery/verify-log.js';
import type { Moment } from '../../../../src/application/record-history.js';
import type { InventoryEvent } from '../../../../src/domain/events.js';
import { type Timers, createSystem } from '../../../../src/system.js';
import { type TestStorage, openTestStorage } from '../../../support/test-storage.js';
import { ROOT } from '../faulty-storage.js';

export const COPY = '/data/copy';

export interface CopyOptions {
  readonly fileSystem: FileSystem;
  readonly from?: string;
  readonly to?: string;
  readonly point?: Moment;
  readonly timers?: Timers;
  readonly isInUse?: boolean;
  readonly warnings?: string[];
}

/** What backup and restore do, on any file system. */
export async function copied(options: CopyOptions): Promise<LogReport> {
  const { fileSystem, from = ROOT, to = COPY, point, warnings = [] } = options;
  const { ids, timers } = createSystem();
  const onWarning = (message: string) => void warnings.push(message);
  const isInUse = () => options.isInUse === true;
  const deps = { fileSystem, ids, timers: options.timers ?? timers, isInUse, onWarning };
  return await copyDirectory(deps, from, await takeTarget(fileSystem, to), point);
}

/** A server's storage on a copy; it must have nothing to complain of. */
export function openedCopy(fileSystem: FileSystem, to = COPY): Promise<TestStorage> {
  return openTestStorage({ root: to, fileSystem });
}

export async function eventsOfCopy(
  fileSystem: FileSystem,
  to = COPY,
): Promise<readonly InventoryEvent[]> {
  const storage = await openedCopy(fileSystem, to);
  const events = await storage.events();
  await storage.repository.close();
  return events;
}
