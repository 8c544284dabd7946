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
  /** A connection on which nothing moves for so long is cut, unless it is we who are waited for. */
  readonly stallTimeoutMs: number;
  /** The request line and all headers together. */
  readonly headerBytesMax: number;
}

export const httpLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  connectionsCheckingIntervalMs: 1_000,
  // Above a load balancer's usual 60 s: the side that closes must not be the one that is sent to.
  keepAliveTimeoutMs: 65_000,
  stallTimeoutMs: 65_000,
  headerBytesMax: 16 * 1024,
};

export interface ExpressServer {
  readonly app: Express;
  /** Not listening yet. */
  readonly server: Server;
}

/** Gets what passed all layers of an application, and what even the last of them threw. */
export type LastResort = (error: unknown, request: Request, response: Response) => void;

export type Serve = (request: Request, response: Response) => void;

export interface ServerOptions {
  /** Where there is none Express answers for itself, with a page. */
  readonly lastResort?: LastResort;
  /** Asked before anything is done for a request: calls `serve`, now or later, or answers itself. */
  readonly admit?: (request: Request, response: Response, serve: Serve) => void;
  /** As Express's `trust proxy`: how many hops, or which addresses. */
  readonly trustProxy?: number | string;
}

/**
 * An Express application and the server whose requests and responses are born for it.
 */
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
      // Where there is none we say so ourselves (client-errors.ts): counted, logged, as a problem.
      requireHostHeader: false,
      // Whatever NODE_OPTIONS says.
      insecureHTTPParser: false,
    },
    (incoming, outgoing) => receive(incoming, outgoing, serve),
  );
  // Whoever is refused need not send the body that waits for this.
  server.on('checkContinue', (incoming, outgoing) => {
    // Node lets pass whatever has that in it.
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
  // The size is the limit. Node's default counts, and drops what is beyond the count in silence.
  server.maxHeadersCount = 0;
  return { app, server };

  // Both are born with the prototypes of Express's, see below.
  function receive(incoming: IncomingMessage, outgoing: ServerResponse, serveIt: Serve): void {
    if (isClosing(incoming.socket)) {
      incoming.resume(); // else its body would be in the way of the connection's end
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

/** An answer may take its time; one that is there, and that nobody reads, keeps its place from others. */
function cutUnlessWaitedFor(connection: HttpConnection): void {
  const isWaitedFor = Boolean(connection._httpMessage) && connection.writableLength === 0;
  if (!isWaitedFor) connection.destroy();
}

/**
 * Express gives every request and response the prototypes `app.request` and `app.response`. Changing
 * an object's prototype gives that object a hidden class of its own, so that nothing the engine has
 * learned from one request serves the next. These classes have those very prototypes from the
 * start, and setting them again changes nothing.
 *
 * What it asks of the rest: add methods to `express.request` and `express.response` before this
 * runs; one pair of classes per application; no constructor or fields here; mount Routers, not
 * applications (a mounted application has prototypes of its own).
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
