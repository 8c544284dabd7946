// A setup file of every test file: an answer that the API description does not describe fails the
// test during which it was given. It is looked at in the server, below every route and above the
// socket: nobody can forget to ask for it, and a client that sends raw bytes is no exception.
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, expect } from 'vitest';
import { observeAnswer, undescribedAnswers } from './observed-answers.js';

interface Begun {
  readonly request: IncomingMessage & { readonly requestId?: string };
  /** `_header`: the head as it is written. */
  readonly response: ServerResponse & { readonly _header: string };
}

subscribe('http.server.request.start', (message) => watch(message as Begun));

function watch({ request, response }: Begun): void {
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string') chunks.push(Buffer.from(chunk));
    else if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  };
  response.write = keeping(keep, response.write.bind(response));
  response.end = keeping(keep, response.end.bind(response));
  const { method = '', url = '' } = request;
  response.once('finish', () => {
    // Only the service's own application gives its requests an id.
    if (request.requestId === undefined) return;
    const { statusCode: status, _header: head } = response;
    const body = Buffer.concat(chunks).toString();
    observeAnswer({ method, url, status, headers: headersOf(head), body });
  });
}

/** `send`, with a look at its first argument. */
function keeping<Send extends (...given: never[]) => unknown>(
  keep: (chunk: unknown) => void,
  send: Send,
): Send {
  return ((...given: never[]) => {
    keep(given[0]);
    return send(...given);
  }) as Send;
}

function headersOf(head: string): Record<string, string> {
  const lines = head.split('\r\n').slice(1, -2);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

async function expectDescribedAnswers(): Promise<void> {
  expect(await undescribedAnswers()).toEqual([]);
}

afterEach(expectDescribedAnswers);
// What came after the last test had ended.
afterAll(expectDescribedAnswers);
