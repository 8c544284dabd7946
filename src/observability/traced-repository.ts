import { type Context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { InventoryRepository, Transacted, Transaction } from '../application/ports.js';

/**
 * The same repository, with child spans of the present request's span: `decide` around the work of
 * a transaction, `append` around each append in it, and `sync wait` from then until everything that
 * the work appended or read is durable.
 */
export function tracedRepository(
  repository: InventoryRepository,
  { tracer, active }: { readonly tracer: Tracer; readonly active: () => Context },
): InventoryRepository {
  function tracedAppend(transaction: Transaction, context: Context): Transaction['append'] {
    return (draft, request) => {
      const span = tracer.startSpan('append', {}, context);
      span.setAttribute('inventory.event', draft.type);
      return within(span, () => {
        const event = transaction.append(draft, request);
        span.setAttribute('inventory.sequence', event.sequence);
        return event;
      });
    };
  }

  function tracedWork<T>(work: (transaction: Transaction) => T, context: Context) {
    return (transaction: Transaction): T => {
      const span = tracer.startSpan('decide', {}, context);
      const append = tracedAppend(transaction, trace.setSpan(context, span));
      return within(span, () => work({ ...transaction, append }));
    };
  }

  function waited<T>(transacted: Transacted<T>, context: Context): Transacted<T> {
    const { durable } = transacted;
    if (durable === undefined) return transacted;
    const span = tracer.startSpan('sync wait', {}, context);
    durable.then(
      () => span.end(),
      () => fail(span),
    );
    return transacted;
  }

  return {
    ...repository,
    transact(work, scope) {
      const context = active();
      // Not on behalf of a request: the expiry of holds, say.
      if (trace.getSpan(context) === undefined) return repository.transact(work, scope);
      const transacted = repository.transact(tracedWork(work, context), scope);
      if (!(transacted instanceof Promise)) return waited(transacted, context);
      return transacted.then((each) => waited(each, context));
    },
  };
}

function within<T>(span: Span, task: () => T): T {
  try {
    const result = task();
    span.end();
    return result;
  } catch (error) {
    fail(span);
    throw error;
  }
}

function fail(span: Span): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
