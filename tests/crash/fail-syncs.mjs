// Imported into a spawned server before anything else: from when the file FAILING_SYNCS holds the id
// of this process, every fdatasync of it fails as that of a broken disk does; or only the one that is
// the FAILING_SYNC_NTHth of this process.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { FAILING_SYNCS = '', FAILING_SYNC_NTH } = process.env;
let syncs = 0;

function fails() {
  syncs += 1;
  if (FAILING_SYNC_NTH !== undefined) return syncs === Number(FAILING_SYNC_NTH);
  return fs.existsSync(FAILING_SYNCS) && Number(fs.readFileSync(FAILING_SYNCS)) === process.pid;
}

const { fdatasync } = fs;
const whole = /** @type {any} */ (fs);
whole.fdatasync = (/** @type {number} */ fd, /** @type {(error: Error | null) => void} */ done) => {
  if (fails()) {
    const error = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    setImmediate(() => done(error));
  } else fdatasync(fd, done);
};
syncBuiltinESMExports();
