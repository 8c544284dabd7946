import { describe, expect, it } from 'vitest';
import { clientOf } from '../../../src/http/admission/client-address.js';

function from(remoteAddress: string | undefined, ip = 'told by a proxy') {
  return { socket: { remoteAddress }, ip };
}

describe('the client of a request', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    [undefined, ''],
  ])('from %s is %s', (address, client) => {
    expect(clientOf(from(address), false)).toBe(client);
  });

  it('is whom the trusted proxy names, where there is one', () => {
    expect(clientOf(from('10.0.0.1', '203.0.113.9'), true)).toBe('203.0.113.9');
    expect(clientOf(from('10.0.0.1', '203.0.113.9'), false)).toBe('10.0.0.1');
  });

  it.each([
    ['203.0.113.9:1001', '203.0.113.9'],
    ['[2001:db8:1:2::1]:1001', '2001:db8:1:2'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2'],
    ['::ffff:cb00:7109', '203.0.113.9'],
  ])('is the same from every port: %s', (named, client) => {
    expect(clientOf(from('10.0.0.1', named), true)).toBe(client);
  });

  it('is short, whatever a proxy forwards', () => {
    expect(clientOf(from('10.0.0.1', 'x'.repeat(8_000)), true)).toHaveLength(64);
    expect(clientOf(from('10.0.0.1', ':x'.repeat(4_000)), true).length).toBeLessThanOrEqual(64);
  });
});
