// Imported into a spawned server before anything else: from when the file FAILING_SYNCS holds the id
// of this process, every fdatasync of it fails as that of a broken disk does.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { FAILING_SYNCS } = process.env;
if (FAILING_SYNCS !== undefined) {
  const { fdatasync } = fs;
  const whole = /** @type {any} */ (fs);
  whole.fdatasync = (
    /** @type {number} */ fd,
    /** @type {(error: Error | null) => void} */ done,
  ) => {
    if (fs.existsSync(FAILING_SYNCS) && Number(fs.readFileSync(FAILING_SYNCS)) === process.pid) {
      const error = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
      setImmediate(() => done(error));
    } else fdatasync(fd, done);
  };
  syncBuiltinESMExports();
}
