import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { fingerprintOf, keyDigest } from '../../src/http/idempotency-key.js';

/** What the logs of every version have. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}

it('knows keys and requests by the first half of a SHA-256, as logs and snapshots have it', () => {
  const scope = { caller: '', method: 'POST', path: '/api/reservations' };
  for (const key of ['a', 'order-7', '~'.repeat(255)]) {
    expect(keyDigest(scope, key)).toBe(digestOf(`\nPOST\n/api/reservations\n${key}`));
  }
  for (const asked of [[], [{ reference: 'Größe ✓ 😀' }, undefined], ['x'.repeat(100_000)]]) {
    expect(fingerprintOf(asked)).toBe(digestOf(JSON.stringify(asked)));
  }
});
