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

/** What one connection remembers from one request to the next. */
export type Memory = Record<string, string>;

export interface RequestMaker {
  make(memory: Memory): LoadRequest;
  /** Looks at the answer, for the requests that follow on the same connection. */
  readonly remember?: (body: string, memory: Memory) => void;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Any other answer fails the bench: a figure over refusals would mean nothing. */
  readonly expected: readonly number[];
}

/** Closed-loop load on one server for a while; each connection makes the requests in turn. */
export async function runLoad(
  server: Measured,
  makers: readonly RequestMaker[],
  { connections, seconds, expected }: LoadOptions,
): Promise<Round> {
  const cpuBefore = cpuMicroseconds(server.pid);
  const result = await autocannon({
    url: server.url,
    connections,
    duration: seconds,
    requests: makers.map(({ make, remember }) => ({
      setupRequest: (request, context) => {
        const { method, path, body, headers } = make(context as Memory);
        return {
          ...request,
          method,
          path,
          ...(body !== undefined && { body }),
          headers: { 'content-type': 'application/json', ...headers },
        };
      },
      ...(remember && {
        onResponse: (_status: number, body: string, context: object) =>
          remember(body, context as Memory),
      }),
    })),
  });
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const answered = result.requests.total;
  const unexpected = Object.entries(result.statusCodeStats ?? {}).filter(
    ([status]) => !expected.includes(Number(status)),
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
