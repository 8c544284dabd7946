import { z } from 'zod';
import { MAP_CHANGING_ENTRIES_MAX } from './map-limits.js';
import { type SyncSource, readSources, trustedProxies } from './config-values.js';

/** Every variable the service reads, with its default. An empty value counts as not set. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly environment: 'development' | 'production' | 'test';
  readonly dataDir: string;
  readonly snapshotEveryEvents: number;
  readonly snapshotLogBytesMin: number;
  readonly syncIntervalMs: number;
  readonly syncEnabled: boolean;
  /** Nodes whose feeds are pulled; none: the node's own log is folded. */
  readonly syncSources: readonly SyncSource[];
  readonly concurrencyApi: number;
  readonly concurrencySync: number;
  /** Per client, in requests. */
  readonly rateLimitPerSecond: number;
  readonly rateLimitBurst: number;
  /** Value of Express's `trust proxy`; undefined: no proxy is trusted. */
  readonly trustProxy: number | string | undefined;
  readonly loadShedQueueMax: number;
  readonly breakerThreshold: number;
  readonly breakerCooldownMs: number;
  readonly retryBaseMs: number;
  readonly retryTimes: number;
  readonly idempotencyTtlMs: number;
  readonly idempotencyKeysMax: number;
  readonly reservationRetentionMs: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly shutdownGraceMs: number;
  /** Whether several servers share the data directory. */
  readonly locksEnabled: boolean;
  readonly lockTtlMs: number;
  readonly lockRenewMs: number;
  readonly lockWaitMs: number;
  /** Undefined: host-pid-random. */
  readonly lockOwnerId: string | undefined;
  /** Number of processes that share the data directory and one port; undefined: only this one. */
  readonly workers: number | undefined;
  /** Where spans are sent; undefined: tracing is off. */
  readonly otlpEndpoint: string | undefined;
}

/** The environment is unusable; the message is one line that names the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const DAY_MS = 86_400_000;
/** About 60,000 events, which a start folds in about a second. */
const SNAPSHOT_LOG_BYTES_MIN = 32 * 1024 * 1024;
/** More than any machine can use: each worker has the whole inventory in memory. */
const WORKERS_MAX = 64;
/** No retry waits for longer (src/resilience/retry.ts). */
const RETRY_BASE_MS_MAX = 60_000;

const wholeNumber = (lowest: number, highest: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= lowest && n <= highest, `must be from ${lowest} to ${highest}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const share = z
  .string()
  .regex(/^\d?(?:\.\d{1,6})?$/, 'must be a number')
  .transform(Number)
  .refine((n) => n > 0 && n <= 1, 'must be above 0 and at most 1');

const environmentSchema = z.object({
  PORT: wholeNumber(0, 65_535).default(3_000),
  HOST: z.string().default('127.0.0.1'),
  NODE_ENV: oneOf(['development', 'production', 'test']).default('development'),
  DATA_DIR: z.string().default('data/inventory'),
  SNAPSHOT_EVERY_N_EVENTS: wholeNumber(1, 1e9).default(100),
  SNAPSHOT_LOG_BYTES_MIN: wholeNumber(1, 1e12).default(SNAPSHOT_LOG_BYTES_MIN),
  SYNC_INTERVAL_MS: wholeNumber(100, DAY_MS).default(15_000),
  SYNC_ENABLED: oneOf(['true', 'false']).default('true'),
  SYNC_SOURCES: z.string().transform(readSources).default([]),
  CONCURRENCY_API: wholeNumber(1, 100_000).default(16),
  CONCURRENCY_SYNC: wholeNumber(1, 1_000).default(4),
  RATE_LIMIT_RPS: wholeNumber(1, 1e9).default(100),
  RATE_LIMIT_BURST: wholeNumber(1, 1e9).default(200),
  TRUST_PROXY: trustedProxies.optional(),
  LOAD_SHED_QUEUE_MAX: wholeNumber(1, 1e6).default(1_000),
  BREAKER_THRESHOLD: share.default(0.5),
  BREAKER_COOLDOWN_MS: wholeNumber(1, DAY_MS).default(30_000),
  RETRY_BASE_MS: wholeNumber(1, RETRY_BASE_MS_MAX).default(1_000),
  RETRY_TIMES: wholeNumber(0, 100).default(3),
  IDEMP_TTL_MS: wholeNumber(1_000, 365 * DAY_MS).default(300_000),
  IDEMP_MAX_KEYS: wholeNumber(1, MAP_CHANGING_ENTRIES_MAX).default(5_000_000),
  RESERVATION_RETENTION_MS: wholeNumber(0, 365 * DAY_MS).default(3_600_000),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SHUTDOWN_GRACE_MS: wholeNumber(0, DAY_MS).default(10_000),
  LOCKS_ENABLED: oneOf(['true', 'false']).default('false'),
  LOCK_TTL_MS: wholeNumber(2_000, DAY_MS).default(5_000),
  LOCK_RENEW_MS: wholeNumber(1_000, DAY_MS).default(2_000),
  LOCK_WAIT_MS: wholeNumber(0, 30_000).default(300),
  LOCK_OWNER_ID: z.string().max(128, 'must be at most 128 characters').optional(),
  WORKERS: wholeNumber(1, WORKERS_MAX).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional(),
});

/** Every variable with its default, for the usage text. */
export function settings(): readonly { readonly name: string; readonly default: string }[] {
  return Object.keys(environmentSchema.shape).map((name) => {
    const schema = environmentSchema.shape[name as keyof typeof environmentSchema.shape];
    const value = 'defaultValue' in schema.def ? schema.def.defaultValue : '';
    return { name, default: typeof value === 'object' ? '' : String(value) };
  });
}

/** Throws ConfigError for the first unusable variable. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.entries(environment).filter(([, value]) => value !== '');
  const result = environmentSchema.safeParse(Object.fromEntries(set));
  if (!result.success) {
    const [issue] = result.error.issues;
    const name = String(issue?.path[0] ?? 'environment');
    const value = JSON.stringify(environment[name]);
    throw new ConfigError(`${name}=${value}: ${issue?.message ?? 'unusable'}`);
  }
  const env = result.data;
  // The default of a variable adapts to a related variable that is set.
  const isSet = (name: keyof typeof env): boolean => (environment[name] ?? '') !== '';
  const burst = isSet('RATE_LIMIT_BURST')
    ? env.RATE_LIMIT_BURST
    : Math.max(env.RATE_LIMIT_BURST, 2 * env.RATE_LIMIT_RPS);
  const renewMs = isSet('LOCK_RENEW_MS')
    ? env.LOCK_RENEW_MS
    : Math.min(env.LOCK_RENEW_MS, Math.floor(env.LOCK_TTL_MS / 2));
  const isShared = env.LOCKS_ENABLED === 'true';
  if (burst < env.RATE_LIMIT_RPS) {
    throw new ConfigError(
      `RATE_LIMIT_BURST="${burst}": must be at least RATE_LIMIT_RPS=${env.RATE_LIMIT_RPS}`,
    );
  }
  if (!isShared && (env.WORKERS ?? 1) > 1) {
    throw new ConfigError(
      `WORKERS=${env.WORKERS}: several processes share a directory only with LOCKS_ENABLED=true`,
    );
  }
  if (renewMs > env.LOCK_TTL_MS / 2) {
    throw new ConfigError(
      `LOCK_RENEW_MS=${renewMs}: must be at most half of LOCK_TTL_MS=${env.LOCK_TTL_MS}`,
    );
  }
  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    environment: env.NODE_ENV,
    dataDir: env.DATA_DIR,
    snapshotEveryEvents: env.SNAPSHOT_EVERY_N_EVENTS,
    snapshotLogBytesMin: env.SNAPSHOT_LOG_BYTES_MIN,
    syncIntervalMs: env.SYNC_INTERVAL_MS,
    syncEnabled: env.SYNC_ENABLED === 'true',
    syncSources: env.SYNC_SOURCES,
    concurrencyApi: env.CONCURRENCY_API,
    concurrencySync: env.CONCURRENCY_SYNC,
    rateLimitPerSecond: env.RATE_LIMIT_RPS,
    rateLimitBurst: burst,
    trustProxy: env.TRUST_PROXY,
    loadShedQueueMax: env.LOAD_SHED_QUEUE_MAX,
    breakerThreshold: env.BREAKER_THRESHOLD,
    breakerCooldownMs: env.BREAKER_COOLDOWN_MS,
    retryBaseMs: env.RETRY_BASE_MS,
    retryTimes: env.RETRY_TIMES,
    idempotencyTtlMs: env.IDEMP_TTL_MS,
    idempotencyKeysMax: env.IDEMP_MAX_KEYS,
    reservationRetentionMs: env.RESERVATION_RETENTION_MS,
    logLevel: env.LOG_LEVEL,
    shutdownGraceMs: env.SHUTDOWN_GRACE_MS,
    locksEnabled: isShared,
    lockTtlMs: env.LOCK_TTL_MS,
    lockRenewMs: renewMs,
    lockWaitMs: env.LOCK_WAIT_MS,
    lockOwnerId: env.LOCK_OWNER_ID,
    workers: isShared ? env.WORKERS : undefined,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  });
}
