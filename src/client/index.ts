// The entry point `distributed-inventory/client` of the package.
export {
  InventoryProblem,
  NoAnswerError,
  NodeChangedError,
  UnexpectedAnswerError,
} from './errors.js';
export type { FollowOptions } from './follow.js';
export { type Change, type ClientOptions, InventoryClient } from './inventory-client.js';
export type { EventsPageOptions, ListOptions, Position, ReadOptions } from './inventory-reads.js';
export type { CountedOn, WriteOptions } from './inventory-writes.js';
export type * from './wire-types.js';
