import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import express, { type Express, type Request, type Response } from 'express';
import { closeWithConnection } from './pipelining.js';
import type { HttpConnection } from './http-connection.js';
import { isClosing } from './lingering-close.js';

export interface HttpLimits {
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last byte of its body. */
  readonly requestTimeoutMs: number;
  readonly connectionsCheckingIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  /** A connection without traffic for this long is cut, unless it waits for our answer. */
  readonly stallTimeoutMs: number;
  /** The request line and all headers together. */
  readonly headerBytesMax: number;
}

export const httpLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  connectionsCheckingIntervalMs: 1_000,
  // Above a load balancer's usual 60 s: the side that sends requests must close first.
  keepAliveTimeoutMs: 65_000,
  stallTimeoutMs: 65_000,
  headerBytesMax: 16 * 1024,
};

export interface ExpressServer {
  readonly app: Express;
  /** Not listening yet. */
  readonly server: Server;
}

/** Gets requests that passed all layers of an application, and what even the last layer threw. */
export type LastResort = (error: unknown, request: Request, response: Response) => void;

export type Serve = (request: Request, response: Response) => void;

export interface ServerOptions {
  /** Absent: Express answers by itself, with an HTML page. */
  readonly lastResort?: LastResort;
  /** Called before any other work for a request: calls `serve`, now or later, or answers itself. */
  readonly admit?: (request: Request, response: Response, serve: Serve) => void;
  /** As Express's `trust proxy`: how many hops, or which addresses. */
  readonly trustProxy?: number | string;
}

/** An Express application, and a server whose requests and responses have its prototypes. */
export function createExpressServer(
  limits: HttpLimits = httpLimits,
  { lastResort, admit, trustProxy }: ServerOptions = {},
): ExpressServer {
  let arrivals = 0;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', 'simple');
  if (trustProxy !== undefined) app.set('trust proxy', trustProxy);

  const server = createServer(
    {
      ...classesBornFor(app),
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.connectionsCheckingIntervalMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      // A missing Host is refused in request-head.ts instead: counted, logged, as a problem.
      requireHostHeader: false,
      // Regardless of NODE_OPTIONS.
      insecureHTTPParser: false,
    },
    (incoming, outgoing) => receive(incoming, outgoing, serve),
  );
  // A refused client need not send the body it is holding back.
  server.on('checkContinue', (incoming, outgoing) => {
    // Node emits this event for every Expect that contains 100-continue.
    if (incoming.headers.expect?.toLowerCase() !== '100-continue') {
      server.emit('checkExpectation', incoming, outgoing);
      return;
    }
    receive(incoming, outgoing, (request, response) => {
      response.writeContinue();
      serve(request, response);
    });
  });
  server.timeout = limits.stallTimeoutMs;
  server.on('timeout', cutUnlessWaitedFor);
  // The size is the limit. Node's default limits the count, and silently drops further headers.
  server.maxHeadersCount = 0;
  return { app, server };

  // Both have the prototypes of the application, see classesBornFor.
  function receive(incoming: IncomingMessage, outgoing: ServerResponse, serveIt: Serve): void {
    if (isClosing(incoming.socket)) {
      incoming.resume(); // else its unread body would keep the connection open
      return;
    }
    const [request, response] = [incoming as Request, outgoing as Response];
    request.arrivedAs = arrivals += 1;
    request.res = response;
    if (response.socket === null) closeWithConnection(response, request.socket);
    if (admit === undefined) serveIt(request, response);
    else admit(request, response, serveIt);
  }

  function serve(request: Request, response: Response): void {
    if (lastResort === undefined) {
      app(request, response);
      return;
    }
    app(request, response, (error: unknown) => lastResort(error, request, response));
  }
}

/** An answer may take long to come, but one that the client does not read only occupies a place. */
function cutUnlessWaitedFor(connection: HttpConnection): void {
  const isWaitedFor = Boolean(connection._httpMessage) && connection.writableLength === 0;
  if (!isWaitedFor) connection.destroy();
}

/**
 * Express gives every request and response the prototypes `app.request` and `app.response`.
 * Changing an object's prototype gives that object a hidden class of its own, so that nothing the
 * engine has learned from one request applies to the next. Objects of these classes have those very
 * prototypes from the start, and setting them again changes nothing.
 *
 * Requirements: add methods to `express.request` and `express.response` before this runs; one pair
 * of classes per application; no constructor or fields here; mount Routers, not applications (a
 * mounted application has prototypes of its own).
 */
function classesBornFor(app: Express) {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  for (const [target, sources] of [
    [AppRequest.prototype, [express.request, app.request]],
    [AppResponse.prototype, [express.response, app.response]],
  ] as const) {
    for (const source of sources) {
      Object.defineProperties(target, Object.getOwnPropertyDescriptors(source));
    }
  }
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}
