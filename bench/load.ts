import autocannon from 'autocannon';
import { cpuMicroseconds, type Measured } from './process.js';

export interface Round {
  readonly requestsPerSecond: number;
  /** Of the server process, all its threads. */
  readonly cpuMicrosecondsPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Any other answer fails the bench: a figure over refusals would mean nothing. */
  readonly expectedStatus: number;
}

/** Closed-loop load on one server for a while; each request is made by `next`. */
export async function runLoad(
  server: Measured,
  next: () => LoadRequest,
  { connections, seconds, expectedStatus }: LoadOptions,
): Promise<Round> {
  const cpuBefore = cpuMicroseconds(server.pid);
  const result = await autocannon({
    url: server.url,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (request) => {
          const { method, path, body, headers } = next();
          return {
            ...request,
            method,
            path,
            ...(body !== undefined && { body }),
            headers: { 'content-type': 'application/json', ...headers },
          };
        },
      },
    ],
  });
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const answered = result.requests.total;
  const unexpected = Object.entries(result.statusCodeStats ?? {}).filter(
    ([status]) => Number(status) !== expectedStatus,
  );
  if (unexpected.length > 0 || result.errors > 0) {
    throw new Error(`unexpected answers: ${JSON.stringify(unexpected)}, errors ${result.errors}`);
  }
  return {
    requestsPerSecond: answered / result.duration,
    cpuMicrosecondsPerRequest: cpu / answered,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
