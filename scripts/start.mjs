// The server, compiled first where needed, in this very process: a signal to it reaches the service.
import { ensureBuiltOrExit } from './build.mjs';

await ensureBuiltOrExit();
await import(new URL('../dist/main.js', import.meta.url).href);
