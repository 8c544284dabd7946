import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { HttpConnection } from './http-connection.js';
import { isClosing, lingerOnClose } from './lingering-close.js';
import type { Clock } from '../../system.js';
import { problemType } from '../request-error.js';

/**
 * Answers what never becomes a request: bytes that are not HTTP, headers beyond the limit, a head
 * or a body that does not arrive in time, and an unknown `Expect`. Each such answer closes.
 * `onRefused` is told of each, since nobody else will see it.
 */
export function handleClientErrors(
  server: Server,
  clock: Clock,
  onRefused: (status: ConnectionStatus) => void,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = statusOf(error.code);
    if (status === undefined || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    if (status === TIMED_OUT && socket.bytesRead === 0) {
      closeIfUnused(socket, server.keepAliveTimeout - server.headersTimeout);
      return;
    }
    // After a broken request every further byte is reported again.
    if (isClosing(socket)) return;
    lingerOnClose(socket);
    // It was answered before it had come as a whole: two answers would be one too many.
    if (isAnswered(socket)) {
      socket.destroySoon();
      return;
    }
    onRefused(status);
    refuseConnection(socket, status, clock);
  });

  // Whoever asks for a tunnel is at the wrong address; without a listener Node would just hang up.
  server.on('connect', (_request, socket) => {
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    // Node has let go of it: a reset would be nobody's, and the end of the process.
    socket.on('error', () => undefined);
    socket.resume();
    lingerOnClose(socket);
    onRefused(BAD_REQUEST);
    refuseConnection(socket, BAD_REQUEST, clock);
  });

  server.on('checkExpectation', (request, response) => {
    onRefused(EXPECTATION_FAILED);
    refuseHead(request, response, EXPECTATION_FAILED);
  });
}

/** The short answer to a request that is not even read as one, and the last of its connection. */
export function refuseHead(
  request: IncomingMessage,
  response: ServerResponse,
  status: ConnectionStatus,
): void {
  lingerOnClose(request.socket);
  const body = bodyOf(status);
  response.writeHead(status, {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': body.length,
    Connection: 'close',
  });
  response.end(body);
}

/**
 * A connection that was opened in advance is as good as one between two requests, and may be idle for
 * as long. Told 408 now, a client that is just sending would take it for its answer.
 */
function closeIfUnused(socket: Socket, afterMs: number): void {
  const close = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy();
  }, afterMs);
  socket.once('close', () => clearTimeout(close));
}

/** What a connection can be refused with: a status, and its code. */
export const CONNECTION_CODES = {
  400: 'validation-failed',
  408: 'request-timeout',
  413: 'payload-too-large',
  417: 'expectation-failed',
  431: 'headers-too-large',
} as const;
export type ConnectionStatus = keyof typeof CONNECTION_CODES;

/** All that such an answer says: there is no request yet that it could be about. */
export function connectionProblem(status: ConnectionStatus) {
  const code = CONNECTION_CODES[status];
  return { type: problemType(code), title: STATUS_CODES[status] ?? '', status, code };
}

const PROBLEM_TYPE = 'application/problem+json';
const BAD_REQUEST = 400;
const EXPECTATION_FAILED = 417;
const TIMED_OUT = 408;
const STATUSES: ReadonlyMap<string, ConnectionStatus> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', TIMED_OUT],
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
]);

/** `undefined`: the connection itself is broken, and nobody is there to be told. */
function statusOf(code = ''): ConnectionStatus | undefined {
  return STATUSES.get(code) ?? (code.startsWith('HPE_') ? BAD_REQUEST : undefined);
}

/** Whether what is still on its way here has its answer. */
function isAnswered({ parser }: HttpConnection): boolean {
  const { complete = true, res } = parser?.incoming ?? {};
  return !complete && res?.writableFinished === true;
}

/**
 * Says no on a connection whose newest request is broken. Requests that came whole before it may be
 * executing: their answers go out first, because the client would take ours for theirs, and be told
 * "not executed" of something that is.
 */
function refuseConnection(
  connection: HttpConnection,
  status: ConnectionStatus,
  clock: Clock,
): void {
  const answer = connection._httpMessage;
  if (answer?.req.complete === true) {
    answer.once('close', () => refuseConnection(connection, status, clock));
    return;
  }
  if (connection.writable && answer?.headersSent !== true)
    connection.write(bytesOf(status, clock.wallMs()));
  // A late request is still being parsed: reading on could complete it, and execute what was refused.
  if (status === TIMED_OUT) connection.destroy();
  else connection.destroySoon();
}

function bodyOf(status: ConnectionStatus): string {
  return JSON.stringify(connectionProblem(status));
}

function bytesOf(status: ConnectionStatus, nowMs: number): string {
  const body = bodyOf(status);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
    `Content-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${body.length}\r\n` +
    `Date: ${new Date(nowMs).toUTCString()}\r\nConnection: close\r\n\r\n${body}`
  );
}
