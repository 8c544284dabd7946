/**
 * A directory into which a copy is being made holds this file, from before its first byte until
 * the manifest is in place. One without a manifest that has it is no fresh directory, however empty.
 */
export const UNFINISHED_NAME = 'UNFINISHED';

export function unfinishedText(directory: string): string {
  return (
    `${directory} is an unfinished copy (${UNFINISHED_NAME}): a backup or restore is under way, ` +
    'or was stopped; then remove the directory and make the copy again'
  );
}
