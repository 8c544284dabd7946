import type { ReadinessFacts } from '../../src/http/readiness.js';

/** What a service says of itself that is well. */
export const WELL: ReadinessFacts = {
  takesWrites: true,
  failingSources: [],
  openBreakers: [],
  areReadsStopped: false,
  queue: { reads: 0, writes: 0, max: 1_000 },
};
