/**
 * Limits of a V8 Map, with room for what is under way. A Map has 2^24 slots. Deleted entries keep
 * theirs until half of the slots are deleted ones; a Map that needs a slot before that throws a
 * RangeError, so that only half of the slots are sure to be of use where entries come and go.
 */
export const MAP_ENTRIES_MAX = 16_000_000;
export const MAP_CHANGING_ENTRIES_MAX = 8_000_000;
