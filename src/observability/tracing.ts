import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator, setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { CallOut } from '../application/outgoing-call.js';
import type { InventoryRepository } from '../application/ports.js';
import type { Timers } from '../system.js';
import type { ObservedRequest, ObservedResponse } from './request-log.js';
import { tracedCalls } from './traced-call.js';
import { tracedRepository } from './traced-repository.js';

// Loaded only if an endpoint for spans is configured (composition/start-service.ts).

export interface Tracing {
  /** The same repository, with child spans of the request's span. */
  aroundRepository(repository: InventoryRepository): InventoryRepository;
  /** A span around every request, in the client's trace if it names one. */
  readonly traceRequests: (
    request: ObservedRequest,
    response: ObservedResponse,
    next: () => void,
  ) => void;
  /** A span around a call to another process; a child of the request's span, if there is one. */
  readonly callOut: CallOut;
  /** Sends the remaining spans, within a time limit. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Base URL of the OTLP/HTTP endpoint, without `/v1/traces`. */
  readonly endpoint: string;
  readonly version: string;
  readonly timers: Timers;
  /** Spans are lost, nothing else. Called once for all failures within a minute. */
  readonly onExportFailed: (error: unknown) => void;
}

const SERVICE = 'distributed-inventory';
const FAILURE_TOLD_EVERY_MS = 60_000;
const STOP_MS_MAX = 2_000;
const RESPONSE = createContextKey('response');

export function startTracing(options: TracingOptions): Tracing {
  const { endpoint, version, timers } = options;
  setGlobalErrorHandler(onceAMinute(timers, options.onExportFailed));
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const resource = resourceFromAttributes({ 'service.name': SERVICE, 'service.version': version });
  const provider = new TracerProvider({
    resource: defaultResource().merge(resource),
    // Its queue is bounded: while the collector is down or slow, spans are dropped.
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
  const tracer = provider.getTracer(SERVICE, version);
  const contexts = new AsyncLocalStorageContextManager();
  const propagator = new W3CTraceContextPropagator();

  /** A timer keeps the context of the request that started it, even long after its end. */
  function present(): Context {
    const active = contexts.active();
    const response = active.getValue(RESPONSE) as ObservedResponse | undefined;
    return response === undefined || response.destroyed ? ROOT_CONTEXT : active;
  }

  return {
    callOut: tracedCalls({ tracer, propagator, parent: present }),
    aroundRepository: (repository) =>
      tracedRepository(repository, { tracer, active: () => contexts.active() }),
    traceRequests(request, response, next) {
      const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      const span = tracer.startSpan(request.method ?? '', { kind: SpanKind.SERVER }, parent);
      const context = trace.setSpan(parent, span).setValue(RESPONSE, response);
      const headers: { traceparent?: string } = {};
      propagator.inject(context, headers, defaultTextMapSetter);
      if (headers.traceparent !== undefined) response.setHeader('Traceparent', headers.traceparent);
      const { traceId, traceFlags } = span.spanContext();
      if (traceFlags & TraceFlags.SAMPLED) response.traceId = traceId;
      response.on('close', () => endRequestSpan(span, request, response));
      // The request's events, such as the arrival of its body, belong to its context, too.
      contexts.bind(context, request);
      contexts.with(context, next);
    },
    async stop() {
      await Promise.race([
        provider.shutdown().catch(options.onExportFailed),
        new Promise<void>((resolve) => timers.after(STOP_MS_MAX, resolve)),
      ]);
    },
  };
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span */
function endRequestSpan(span: Span, request: ObservedRequest, response: ObservedResponse): void {
  const { method = '', route, requestId } = request;
  const { sequence, problemCode, statusCode } = response;
  if (route !== undefined) span.updateName(`${method} ${route.path}`);
  span.setAttributes({
    'http.request.method': method,
    ...(route !== undefined && { 'http.route': route.path }),
    ...(response.headersSent && { 'http.response.status_code': statusCode }),
    'inventory.request_id': requestId,
    ...(sequence !== undefined && { 'inventory.sequence': sequence }),
    ...(problemCode !== undefined && { 'inventory.problem': problemCode }),
  });
  if (statusCode >= 500 || !response.writableFinished) {
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** While the collector is down, the export fails every few seconds. */
function onceAMinute(timers: Timers, tell: (error: unknown) => void): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    timers.after(FAILURE_TOLD_EVERY_MS, () => (told = false));
    tell(error);
  };
}
