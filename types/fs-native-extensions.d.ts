// The package ships no types. Only what is safe to use is declared: not `waitForLock`, which cannot
// be cancelled and holds a libuv thread while it waits.
declare module 'fs-native-extensions' {
  export interface LockOptions {
    shared?: boolean;
  }

  /** False where another descriptor holds the lock. The descriptor must be open as 'a+'. */
  export function tryLock(descriptor: number, options?: LockOptions): boolean;

  /** Of so many bytes from `offset` on. */
  export function tryLock(descriptor: number, offset: number, length: number): boolean;

  /** Exclusive to shared. After false, take neither lock for granted. */
  export function tryDowngradeLock(descriptor: number): boolean;

  /** Shared to exclusive. False while others share it; Linux then keeps the shared lock. */
  export function tryUpgradeLock(descriptor: number): boolean;

  export function unlock(descriptor: number, offset?: number, length?: number): void;
}
