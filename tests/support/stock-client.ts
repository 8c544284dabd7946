/** What a test's client knows of one write: sent, and answered with this, or never answered. */
export interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly sequence?: number };
}

/** A few calls of the HTTP API; a call that gets no answer resolves with undefined. */
export function createStockClient(url: string) {
  async function send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answered | undefined> {
    try {
      const response = await fetch(url + path, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
    } catch {
      return undefined;
    }
  }

  const recordPath = (storeId: string, sku: string): string =>
    `/api/inventory/stores/${storeId}/inventory/${encodeURIComponent(sku)}`;

  return {
    send,
    recordPath,
    record: (storeId: string, sku: string) => send('GET', recordPath(storeId, sku)),
    adjust: (storeId: string, sku: string, delta: number, key?: string) =>
      send('POST', `${recordPath(storeId, sku)}/adjust`, { delta }, keyed(key)),
    reserve: (storeId: string, sku: string, qty: number, key?: string) =>
      send('POST', `${recordPath(storeId, sku)}/reserve`, { qty }, keyed(key)),
  };
}

function keyed(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { 'idempotency-key': key };
}
