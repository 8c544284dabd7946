import {
  type Context,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  defaultTextMapSetter,
  trace,
} from '@opentelemetry/api';
import type { CallOut } from '../application/outgoing-call.js';

const FIRST_ERROR_STATUS = 400;

/**
 * A span around every call to another process, whose own spans continue the trace by means of the
 * `traceparent` header.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
 */
export function tracedCalls(deps: {
  readonly tracer: Tracer;
  readonly propagator: TextMapPropagator;
  /** The context that a call made now belongs to. */
  readonly parent: () => Context;
}): CallOut {
  const { tracer, propagator, parent } = deps;
  return async ({ method, route, url }, ask) => {
    const context = parent();
    const attributes = {
      'http.request.method': method,
      'url.template': route,
      'server.address': url.hostname,
      'server.port': Number(url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port),
    };
    const span = tracer.startSpan(
      `${method} ${route}`,
      { kind: SpanKind.CLIENT, attributes },
      context,
    );
    const headers: Record<string, string> = {};
    propagator.inject(trace.setSpan(context, span), headers, defaultTextMapSetter);
    try {
      return await ask({
        headers,
        answered(status) {
          span.setAttribute('http.response.status_code', status);
          if (status >= FIRST_ERROR_STATUS) span.setStatus({ code: SpanStatusCode.ERROR });
        },
      });
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
