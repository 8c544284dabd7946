import { z } from 'zod';

/** Every variable the service reads, with its default. An empty value counts as not set. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly environment: 'development' | 'production' | 'test';
  readonly dataDir: string;
  readonly snapshotEveryEvents: number;
  readonly retryBaseMs: number;
  readonly retryTimes: number;
  readonly idempotencyTtlMs: number;
  readonly idempotencyKeysMax: number;
  readonly reservationRetentionMs: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly shutdownGraceMs: number;
}

/** An unusable environment: one line that names the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const DAY_MS = 86_400_000;

const wholeNumber = (lowest: number, highest: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= lowest && n <= highest, `must be from ${lowest} to ${highest}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const environmentSchema = z.object({
  PORT: wholeNumber(0, 65_535).default(3_000),
  HOST: z.string().default('127.0.0.1'),
  NODE_ENV: oneOf(['development', 'production', 'test']).default('development'),
  DATA_DIR: z.string().default('data/inventory'),
  SNAPSHOT_EVERY_N_EVENTS: wholeNumber(1, 1e9).default(100),
  RETRY_BASE_MS: wholeNumber(1, DAY_MS).default(1_000),
  RETRY_TIMES: wholeNumber(0, 100).default(3),
  IDEMP_TTL_MS: wholeNumber(1_000, 365 * DAY_MS).default(300_000),
  IDEMP_MAX_KEYS: wholeNumber(1, 1e9).default(5_000_000),
  RESERVATION_RETENTION_MS: wholeNumber(0, 365 * DAY_MS).default(3_600_000),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SHUTDOWN_GRACE_MS: wholeNumber(0, DAY_MS).default(10_000),
});

/** Throws ConfigError at the first variable that cannot be used. */
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
  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    environment: env.NODE_ENV,
    dataDir: env.DATA_DIR,
    snapshotEveryEvents: env.SNAPSHOT_EVERY_N_EVENTS,
    retryBaseMs: env.RETRY_BASE_MS,
    retryTimes: env.RETRY_TIMES,
    idempotencyTtlMs: env.IDEMP_TTL_MS,
    idempotencyKeysMax: env.IDEMP_MAX_KEYS,
    reservationRetentionMs: env.RESERVATION_RETENTION_MS,
    logLevel: env.LOG_LEVEL,
    shutdownGraceMs: env.SHUTDOWN_GRACE_MS,
  });
}
