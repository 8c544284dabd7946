/**
 * Rows stored as columns, which are faster to write and to parse than one object per row. A cell is
 * a JSON scalar, never a list.
 */
type Cell = string | number | null;

/** One cell per row, or a single cell if all rows have the same value. */
export type Column<T extends Cell> = T | readonly T[];

export function columnOf<T extends Cell>(cells: readonly T[]): Column<T> {
  const [first] = cells;
  return first !== undefined && cells.every((cell) => cell === first) ? first : cells;
}

export function cellOf<T extends Cell>(column: Column<T>, row: number): T {
  return (Array.isArray(column) ? column[row] : column) as T;
}
