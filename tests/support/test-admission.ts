import {
  type Admission,
  type AdmissionDeps,
  createAdmission,
} from '../../src/http/admission/admission.js';
import { createRateLimiter } from '../../src/resilience/rate-limiter.js';
import type { System } from '../../src/system.js';

/** The real admission, with limits that only a test of them comes near. */
export function createTestAdmission(
  system: System,
  settings: Partial<Omit<AdmissionDeps, 'system'>> = {},
): Admission {
  const limit = settings.limit ?? { perSecond: 1e6, burst: 1e6 };
  return createAdmission({
    system,
    limit,
    limiter: createRateLimiter(limit),
    behindProxy: false,
    queueMax: 1_000,
    breaker: { threshold: 0.5, cooldownMs: 30_000 },
    onBreaker: () => undefined,
    onRefused: () => undefined,
    ...settings,
  });
}
