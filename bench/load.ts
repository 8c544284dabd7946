import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Connection } from './connection.js';
import { type Measured, cpuMicroseconds } from './process.js';
import { settings } from './settings.js';
import { percentile, sorted } from './statistics.js';

/** A batch takes longer than this. */
const SHED_WAIT_MS = 10;

export interface Round {
  readonly answered: number;
  readonly requestsPerSecond: number;
  /** Of the server's processes, all their threads. */
  readonly cpuMicrosecondsPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Any other answer fails the bench: a figure over wrong answers would mean nothing. */
  readonly status: number;
  /** What must be in the right answer: in its head or its body. */
  readonly contains: string;
}

/** What one connection remembers from one request to the next. */
export type Memory = Record<string, string>;

export interface RequestMaker {
  make(memory: Memory): LoadRequest;
  /** Looks at the answer, for the requests that follow on the same connection. */
  readonly remember?: (body: string, memory: Memory) => void;
}

export interface LoadOptions {
  readonly connections?: number;
  readonly seconds?: number;
  /** What is turned away is sent again, and counts once: others still ask, or their kernels for them. */
  readonly insistent?: boolean;
}

/** Closed-loop load on one server for a while; each connection makes the requests in turn. */
export async function runLoad(
  server: Measured,
  makers: readonly RequestMaker[],
  options: LoadOptions = {},
): Promise<Round> {
  const { connections = settings.connections, seconds = settings.seconds, insistent } = options;
  const open = await openConnections(server.url, connections);
  try {
    const latencies: number[] = [];
    const cpuBefore = cpuMicroseconds(server);
    const startedAt = performance.now();
    const until = startedAt + seconds * 1_000;
    await Promise.all(
      open.map((each) => runConnection(each, makers, { until, latencies, insistent })),
    );
    const elapsedMs = performance.now() - startedAt;
    const cpu = cpuMicroseconds(server) - cpuBefore;
    const ascending = sorted(latencies);
    return {
      answered: latencies.length,
      requestsPerSecond: (latencies.length / elapsedMs) * 1_000,
      cpuMicrosecondsPerRequest: cpu / latencies.length,
      p50Ms: percentile(ascending, 0.5),
      p99Ms: percentile(ascending, 0.99),
    };
  } finally {
    for (const each of open) each.close();
  }
}

export function openConnections(url: string, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => Connection.open(url)));
}

interface Run {
  readonly until: number;
  readonly latencies: number[];
  readonly insistent: boolean | undefined;
}

async function runConnection(
  connection: Connection,
  makers: readonly RequestMaker[],
  { until, latencies, insistent = false }: Run,
): Promise<void> {
  const memory: Memory = {};
  while (performance.now() < until) {
    for (const { make, remember } of makers) {
      const request = make(memory);
      const askedAt = performance.now();
      let answer = await connection.ask(requestText(request));
      while (insistent && isShed(answer)) answer = await connection.ask(requestText(request));
      latencies.push(performance.now() - askedAt);
      assertRight(request, answer);
      remember?.(answer.body, memory);
    }
  }
}

/** One request on a connection of its own, checked like all others. */
export async function askOnce(url: string, request: LoadRequest): Promise<Answer> {
  const answer = await askAnyway(url, request);
  assertRight(request, answer);
  return answer;
}

/** Again as long as it is turned away. */
export async function askUntilServed(url: string, request: LoadRequest): Promise<Answer> {
  for (;;) {
    const answer = await askAnyway(url, request);
    if (!isShed(answer)) {
      assertRight(request, answer);
      return answer;
    }
    await sleep(SHED_WAIT_MS);
  }
}

async function askAnyway(url: string, request: LoadRequest): Promise<Answer> {
  const connection = await Connection.open(url);
  try {
    return await connection.ask(requestText(request));
  } finally {
    connection.close();
  }
}

/** The server had too much to do. */
export function isShed({ status, body }: Answer): boolean {
  return status === 503 && body.includes('"code":"overloaded"');
}

/** All of it is ASCII. */
export function requestText({ method, path, body, headers = {} }: LoadRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\nHost: bench\r\n`;
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  if (body === undefined) return `${text}\r\n`;
  return `${text}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export function assertRight({ method, path, status, contains }: LoadRequest, got: Answer): void {
  if (got.status === status && (got.body.includes(contains) || got.head.includes(contains))) return;
  throw new Error(
    `a wrong answer to ${method} ${path}: expected ${status} with ${contains}, ` +
      `got ${got.head}\n${got.body.slice(0, 1_000)}`,
  );
}
