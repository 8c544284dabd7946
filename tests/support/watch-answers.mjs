// Plain JavaScript, because it also runs inside a spawned server (record-answers.mjs).
import { subscribe } from 'node:diagnostics_channel';

/**
 * @typedef {import('node:http').IncomingMessage & { readonly requestId?: string }} IdentifiedRequest
 * @typedef {import('node:http').ServerResponse & { readonly _header: string }} WrittenResponse
 *   `_header` is the head as it is written.
 */

/**
 * Shows every answer of this process that the service gave, as it went out: below all routes and
 * above the socket, so that neither a route nor a client that sends raw bytes is an exception.
 *
 * @param {(answer: import('./answer-judge.js').ObservedAnswer) => void} onAnswer
 */
export function watchAnswers(onAnswer) {
  subscribe('http.server.request.start', (message) => {
    const { request, response } =
      /** @type {{ request: IdentifiedRequest, response: WrittenResponse }} */ (message);
    const chunks = keepChunks(response);
    response.once('finish', () => {
      const { requestId, method = '', url = '' } = request;
      // Only the service's own application gives its requests an id.
      if (requestId === undefined) return;
      const { statusCode: status, _header: head } = response;
      const body = Buffer.concat(chunks).toString();
      onAnswer({ method, url, status, headers: headersOf(head), body });
    });
  });
}

/**
 * @param {WrittenResponse} response
 * @returns {Buffer[]} grows with what is written
 */
function keepChunks(response) {
  /** @type {Buffer[]} */
  const chunks = [];
  for (const name of /** @type {const} */ (['write', 'end'])) {
    const send = /** @type {(...given: unknown[]) => never} */ (response[name].bind(response));
    response[name] = (/** @type {unknown[]} */ ...given) => {
      const [chunk] = given;
      if (typeof chunk === 'string') chunks.push(Buffer.from(chunk));
      else if (Buffer.isBuffer(chunk)) chunks.push(chunk);
      return send(...given);
    };
  }
  return chunks;
}

/** @param {string} head */
function headersOf(head) {
  const lines = head.split('\r\n').slice(1, -2);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
