// vitest's global setup: tests that spawn the server or a command run compiled code. SKIP_BUILD=1
// leaves that out, for a run of tests that spawn nothing while src/ does not compile.
import { ensureBuilt } from './build.mjs';

export async function setup() {
  if (process.env.SKIP_BUILD !== '1') await ensureBuilt();
}
