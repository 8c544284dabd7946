import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/config.js';

describe('the configuration', () => {
  it.each([
    ['0.0.0.0/0', 'all of IPv4'],
    ['10.0.0.0/00', 'all of IPv4, in other words'],
    ['::/0', 'everybody'],
    ['::ffff:10.0.0.1/96', 'all of IPv4, as IPv6 has it'],
    ['::/64', 'that among others'],
    ['10.0.0.0/33', 'no network'],
    ['loopback,nobody', 'no address'],
    ['0', 'no number of hops'],
  ])('trusts no proxy at %s: %s', (TRUST_PROXY) => {
    expect(() => readConfig({ TRUST_PROXY })).toThrow(ConfigError);
  });

  it.each([
    '1',
    'loopback',
    '10.0.0.0/8, 192.168.1.7',
    '::ffff:10.0.0.0/104',
    'fd00::/8',
    '2001:db8::1',
  ])('trusts proxies at %s', (TRUST_PROXY) => {
    expect(readConfig({ TRUST_PROXY }).trustProxy).toBeDefined();
  });

  it.each([
    ['a=http://one.test/,b=http://one.test', 'has the same url for a and b'],
    ['a=http://one.test,a=http://two.test', 'names a twice'],
    ['a=ftp://one.test', 'must be name=url'],
  ])('takes no sources %s', (SYNC_SOURCES, why) => {
    expect(() => readConfig({ SYNC_SOURCES })).toThrow(why);
  });

  it('has what is not set go with what is', () => {
    expect(readConfig({ RATE_LIMIT_RPS: '500' }).rateLimitBurst).toBe(1_000);
    expect(readConfig({ RATE_LIMIT_RPS: '50' }).rateLimitBurst).toBe(200);
    expect(readConfig({ LOCK_TTL_MS: '3000' }).lockRenewMs).toBe(1_500);
    for (const contradiction of [
      { RATE_LIMIT_RPS: '500', RATE_LIMIT_BURST: '200' },
      { LOCK_TTL_MS: '3000', LOCK_RENEW_MS: '2000' },
    ]) {
      expect(() => readConfig(contradiction)).toThrow(ConfigError);
    }
  });

  it('takes several processes only where they may share the directory', () => {
    expect(readConfig({ WORKERS: '1' }).workers).toBeUndefined();
    expect(readConfig({ WORKERS: '1', LOCKS_ENABLED: 'true' }).workers).toBe(1);
    expect(readConfig({ WORKERS: '2', LOCKS_ENABLED: 'true' }).workers).toBe(2);
    expect(() => readConfig({ WORKERS: '2' })).toThrow('LOCKS_ENABLED');
  });
});
