/**
 * The target of a copy contains this file from before its first byte until the manifest is in
 * place. A directory with this file and no manifest is not fresh, even if it is otherwise empty.
 */
export const UNFINISHED_NAME = 'UNFINISHED';

export function unfinishedText(directory: string): string {
  return (
    `${directory} is an unfinished copy (${UNFINISHED_NAME}): a backup or restore is under way, ` +
    'or was stopped; then remove the directory and make the copy again'
  );
}
