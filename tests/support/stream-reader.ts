import { type IncomingMessage, request as send } from 'node:http';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** A client of an event stream that shows what came over the wire. */
export interface StreamReader {
  readonly response: IncomingMessage;
  /** Everything so far. */
  text(): string;
  /** Resolves once this was received, or rejects at the end of the stream. */
  received(part: string): Promise<void>;
  /** Resolves at the end: 'end' in good order, 'cut' otherwise. */
  readonly over: Promise<'end' | 'cut'>;
  cut(): void;
}

export async function openStream(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<StreamReader> {
  const options = {
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: { Accept: 'text/event-stream', ...headers },
  };
  const request = send(options).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined);
  const over = new Promise<'end' | 'cut'>((resolve) =>
    response.once('close', () => resolve(response.complete ? 'end' : 'cut')),
  );
  onTestFinished(() => void request.destroy());
  return {
    response,
    text: () => text,
    async received(part) {
      while (!text.includes(part)) {
        if (response.destroyed) throw new Error(`${part} did not come: ${text}`);
        await Promise.race([new Promise((resolve) => response.once('data', resolve)), over]);
      }
    },
    over,
    cut: () => void request.destroy(),
  };
}

/** The ids of the events in a text of a stream, in their order. */
export function idsIn(text: string): number[] {
  return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
}
