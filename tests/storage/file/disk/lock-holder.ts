/** A process of its own: takes the lock of a directory, says so or why not, and waits to be ended. */
import { takePresenceLock } from '../../../../src/storage/file/disk/presence-lock.js';

try {
  const lock = takePresenceLock(process.argv[2] ?? '');
  console.log('held');
  process.stdin.on('data', () => console.log(lock.isHeld() ? 'still held' : 'lost'));
  process.stdin.on('end', () => process.exit(0));
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
