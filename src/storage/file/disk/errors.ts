/** The data directory is damaged or not ours to use: nothing is repaired, the start is refused. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * What was promised cannot be kept any more (a failed sync, a failed cut): the process must end
 * without another acknowledgement. The next start recovers.
 */
export class StorageFatalError extends Error {
  override readonly name = 'StorageFatalError';
}
