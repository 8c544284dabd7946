// Imported into a spawned server before anything else: every fdatasync of it returns SLOW_SYNC_MS late.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { fdatasync } = fs;
const whole = /** @type {any} */ (fs);
whole.fdatasync = (/** @type {number} */ fd, /** @type {fs.NoParamCallback} */ done) => {
  fdatasync(fd, (error) => setTimeout(done, Number(process.env.SLOW_SYNC_MS), error));
};
syncBuiltinESMExports();
