/**
 * Rows as columns: those are written and parsed faster than a row each. Cells are what JSON has,
 * but no lists.
 */
type Cell = string | number | null;

/** A cell for each row; or, where all are the same, that one alone. */
export type Column<T extends Cell> = T | readonly T[];

export function columnOf<T extends Cell>(cells: readonly T[]): Column<T> {
  const [first] = cells;
  return first !== undefined && cells.every((cell) => cell === first) ? first : cells;
}

export function cellOf<T extends Cell>(column: Column<T>, row: number): T {
  return (Array.isArray(column) ? column[row] : column) as T;
}
