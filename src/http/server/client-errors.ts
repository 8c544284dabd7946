import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { HttpConnection } from './http-connection.js';
import { isClosing, lingerOnClose } from './lingering-close.js';
import type { Clock } from '../../system.js';
import { problemType } from '../request-error.js';

/**
 * Answers what never becomes a request: bytes that are not HTTP, headers beyond the limit, a head
 * or a body that does not arrive in time, CONNECT, and an unknown `Expect`. Each such answer closes
 * the connection. `onRefused` is called for each, since nothing else sees it.
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
    // After a broken request Node reports all further data of the connection again.
    if (isClosing(socket)) return;
    lingerOnClose(socket);
    // The request was answered before it had arrived completely: it must not get a second answer.
    if (isAnswered(socket)) {
      socket.destroySoon();
      return;
    }
    onRefused(status);
    refuseConnection(socket, status, clock);
  });

  // There are no tunnels here; without a listener Node would close the connection unanswered.
  server.on('connect', (_request, socket) => {
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    // Node has detached its own listeners: without this one, a reset would end the process.
    socket.on('error', () => undefined);
    socket.on('timeout', () => server.emit('timeout', socket));
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

/** The short answer to a request that is refused by its head alone; the last of its connection. */
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
 * A connection that was opened in advance may be idle for as long as one between two requests. A
 * client that is just sending its first request would take a 408 sent now for the answer to it.
 */
function closeIfUnused(socket: Socket, afterMs: number): void {
  const close = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy();
  }, afterMs);
  socket.once('close', () => clearTimeout(close));
}

/** The statuses that a connection can be refused with, and their codes. */
export const CONNECTION_CODES = {
  400: 'validation-failed',
  408: 'request-timeout',
  413: 'payload-too-large',
  417: 'expectation-failed',
  431: 'headers-too-large',
} as const;
export type ConnectionStatus = keyof typeof CONNECTION_CODES;

/** The whole body of such an answer: there is no request yet that it could refer to. */
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

/** `undefined`: the connection itself is broken, and no answer would reach the client. */
function statusOf(code = ''): ConnectionStatus | undefined {
  return STATUSES.get(code) ?? (code.startsWith('HPE_') ? BAD_REQUEST : undefined);
}

/** Whether the request that is still arriving has been answered already. */
function isAnswered({ parser }: HttpConnection): boolean {
  const { complete = true, res } = parser?.incoming ?? {};
  return !complete && res?.writableFinished === true;
}

/**
 * Refuses a connection whose newest request is broken. Complete requests before it may be
 * executing: their answers go out first, because the client would take this one for theirs, and so
 * be told "not executed" about a request that is executed.
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
  // A late request is still being parsed: reading on could complete and execute it after all.
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
