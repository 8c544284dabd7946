// Imported into a spawned server before anything else: while the file SLOW_SYNCS exists, every fdatasync
// of it returns so many milliseconds late as stand in there.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { SLOW_SYNCS = '' } = process.env;
const { fdatasync } = fs;
const whole = /** @type {any} */ (fs);
whole.fdatasync = (/** @type {number} */ fd, /** @type {fs.NoParamCallback} */ done) => {
  fdatasync(fd, (error) => {
    const lateMs = fs.existsSync(SLOW_SYNCS) ? Number(fs.readFileSync(SLOW_SYNCS)) : 0;
    setTimeout(done, lateMs, error);
  });
};
syncBuiltinESMExports();
