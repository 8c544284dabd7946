import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { isClosing, lingerOnClose } from './lingering-close.js';
import { problemType, RequestError } from './request-error.js';

/**
 * Answers what never becomes a request: bytes that are not HTTP, headers beyond the limit, a head
 * or a body that does not arrive in time, and an unknown `Expect`. Each such answer closes.
 */
export function handleClientErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const problem = problemOf(error.code);
    if (problem === undefined || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    // After a broken request every further byte is reported again.
    if (isClosing(socket)) return;
    lingerOnClose(socket);
    refuseConnection(socket, problem);
  });

  server.on('checkExpectation', (request, response) => {
    lingerOnClose(request.socket);
    const body = bodyOf(EXPECTATION_FAILED);
    response.writeHead(EXPECTATION_FAILED.status, {
      'Content-Type': PROBLEM_TYPE,
      'Content-Length': body.length,
      Connection: 'close',
    });
    response.end(body);
  });
}

/** RFC 9110 §4.1 asks for 8000 at least; no path and no query of ours comes near. */
const URI_LENGTH_MAX = 8_000;

/** Up to the size of a whole head, that is: beyond it Node gives up, and the answer is 431. */
export const refuseLongUri: RequestHandler = ({ url }, _response, next) => {
  if (url.length <= URI_LENGTH_MAX) next();
  else next(new RequestError('uri-too-long', `The limit is ${URI_LENGTH_MAX} characters.`));
};

/**
 * Two Host headers are two opinions on whom the request is for (RFC 9112 §3.2). Node refuses a
 * request without one, and keeps the first of several.
 */
export const refuseTwoHosts: RequestHandler = (request, _response, next) => {
  const { rawHeaders } = request;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts <= 1) next();
  else next(new RequestError('validation-failed', 'The request has more than one Host header.'));
};

interface ConnectionProblem {
  readonly status: number;
  readonly code: string;
}

const PROBLEM_TYPE = 'application/problem+json';
const NOT_HTTP: ConnectionProblem = { status: 400, code: 'validation-failed' };
const EXPECTATION_FAILED: ConnectionProblem = { status: 417, code: 'expectation-failed' };
const TIMED_OUT: ConnectionProblem = { status: 408, code: 'request-timeout' };
const PROBLEMS: ReadonlyMap<string, ConnectionProblem> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', TIMED_OUT],
  ['HPE_HEADER_OVERFLOW', { status: 431, code: 'headers-too-large' }],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { status: 413, code: 'payload-too-large' }],
]);

/** `undefined`: the connection itself is broken, and nobody is there to be told. */
function problemOf(code = ''): ConnectionProblem | undefined {
  return PROBLEMS.get(code) ?? (code.startsWith('HPE_') ? NOT_HTTP : undefined);
}

/** The answer in progress on a connection: Node keeps it here, and offers no public name for it. */
type HttpConnection = Socket & { readonly _httpMessage?: ServerResponse | null };

/**
 * Says no on a connection whose newest request is broken. Requests that came whole before it may be
 * executing: their answers go out first, because the client would take ours for theirs, and be told
 * "not executed" of something that is.
 */
function refuseConnection(connection: HttpConnection, problem: ConnectionProblem): void {
  const answer = connection._httpMessage;
  if (answer?.req.complete === true) {
    answer.once('close', () => refuseConnection(connection, problem));
    return;
  }
  if (connection.writable && answer?.headersSent !== true) connection.write(bytesOf(problem));
  // A late request is still being parsed: reading on could complete it, and execute what was refused.
  if (problem === TIMED_OUT) connection.destroy();
  else connection.destroySoon();
}

function bodyOf({ status, code }: ConnectionProblem): string {
  return JSON.stringify({ type: problemType(code), title: STATUS_CODES[status], status, code });
}

function bytesOf(problem: ConnectionProblem): string {
  const body = bodyOf(problem);
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
    `Content-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${body.length}\r\n` +
    `Connection: close\r\n\r\n${body}`
  );
}
