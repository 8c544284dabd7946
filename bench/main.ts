/**
 * npm run bench [-- part or side …] [--write]: everything side by side in one run. Without names all
 * of it; --write puts what was measured into docs/performance.md (bench/settings.ts has the sizes).
 */
import { parseArgs } from 'node:util';
import { whereAndWhen } from './machine.js';
import { followers } from './parts/followers.js';
import { growth } from './parts/growth.js';
import { latency } from './parts/latency.js';
import { overload } from './parts/overload.js';
import { requests, sideKeys } from './parts/requests.js';
import { shared } from './parts/shared.js';
import { start } from './parts/start.js';
import { sync } from './parts/sync.js';
import { writers } from './parts/writers.js';
import { progress } from './progress.js';
import { writePerformancePage } from './report/performance-page.js';
import type { Section } from './report/section.js';

const parts: Readonly<Record<string, () => Promise<Section>>> = {
  requests: () => requests(chosen.filter((name) => sideKeys.includes(name))),
  latency,
  start, // the first to use the large directories: it wants them as they were made
  growth,
  writers,
  followers,
  sync,
  shared,
  overload,
};

const { values, positionals: chosen } = parseArgs({
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const unknown = chosen.filter((name) => !(name in parts) && !sideKeys.includes(name));
if (unknown.length > 0) {
  console.error(`no part of the bench: ${unknown.join(', ')}`);
  console.error(`parts: ${Object.keys(parts).join(' ')}; of requests: ${sideKeys.join(' ')}`);
  process.exit(2);
}
if (values.write && chosen.some((name) => sideKeys.includes(name))) {
  console.error('--write replaces whole parts: name no single side of requests');
  process.exit(2);
}

const measured = `Measured on ${whereAndWhen()}.`;
console.log(measured);
for (const [name, run] of Object.entries(parts)) {
  const isSide = name === 'requests' && chosen.some((each) => sideKeys.includes(each));
  if (chosen.length > 0 && !chosen.includes(name) && !isSide) continue;
  const section = await run();
  console.log(`\n## ${section.title}\n\n${section.text}`);
  if (values.write)
    writePerformancePage(name, { ...section, text: `${section.text}\n\n${measured}` });
}
progress('done');
process.exit(0);
