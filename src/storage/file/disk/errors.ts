/** The data directory is damaged or not ours to use: nothing is repaired, the start is refused. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * Durability can no longer be guaranteed (a failed sync, a failed truncation): the process must end
 * without another acknowledgement. The next start recovers.
 */
export class StorageFatalError extends Error {
  override readonly name = 'StorageFatalError';
}

/**
 * Runs what follows a durable write. A failure, of whatever kind, is fatal: what is durable must not
 * be answered as not executed.
 */
export function afterDurable(task: () => void): void {
  try {
    task();
  } catch (error) {
    throw new StorageFatalError('what is durable could not be published', { cause: error });
  }
}
