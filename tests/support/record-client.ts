import { type Exchanged, type HttpConnection, createHttpConnection } from './http-connection.js';
import type { RecordHistory } from './record-history.js';
import type { RecordAnswer, RecordCall } from './record-specification.js';

/** `S1/A`: a store and an SKU that need no escaping. */
export type RecordName = `${string}/${string}`;

export interface RecordClient {
  /** Asks, and records what was asked and answered; undefined: no answer, or turned away. */
  call(record: RecordName, input: RecordCall, key?: string): Promise<RecordAnswer | undefined>;
  close(): void;
}

/** A client of one server whose calls go into a history. */
export function createRecordClient(url: string, history: RecordHistory): RecordClient {
  const connection = createHttpConnection(url);
  return {
    async call(record, input, key) {
      const attempt = history.begin(record, input, key);
      const exchanged = await sendCall(connection, record, input, key);
      if (exchanged === undefined) return undefined;
      if (exchanged.status === 429 || exchanged.status === 503) {
        attempt.turnedAway();
        return undefined;
      }
      const answer = recordAnswer(exchanged, input);
      attempt.returned(answer);
      return answer;
    },
    close: () => connection.close(),
  };
}

/** The request that a call is on the wire. */
export function sendCall(
  { send }: HttpConnection,
  record: RecordName,
  input: RecordCall,
  key?: string,
): Promise<Exchanged | undefined> {
  const [storeId = '', sku = ''] = record.split('/');
  const path = `/api/inventory/stores/${storeId}/inventory/${sku}`;
  const keyed = key === undefined ? {} : { 'idempotency-key': key };
  switch (input.op) {
    case 'read':
      return send('GET', path);
    case 'adjust': {
      const { delta, expectedVersion } = input;
      return send('POST', `${path}/adjust`, { delta, expectedVersion }, keyed);
    }
    case 'count': {
      const { onHand, ifMatch } = input;
      const condition = ifMatch === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${ifMatch}"` };
      return send('PUT', path, { onHand }, { ...keyed, ...condition });
    }
    case 'reserve':
      return send('POST', `${path}/reserve`, { qty: input.qty }, keyed);
    case 'release': {
      const { reservationId, qty } = input;
      return send('POST', `${path}/release`, { reservationId, qty }, keyed);
    }
    case 'commit': {
      const { reservationId, qty } = input;
      const lines = [{ storeId, sku, qty }];
      return send('POST', `/api/reservations/${reservationId}/commit`, { lines }, keyed);
    }
  }
}

interface RecordJson {
  readonly onHand: number;
  readonly reserved: number;
  readonly version: number;
}

interface AnswerJson extends RecordJson {
  readonly code?: string;
  readonly record?: RecordJson;
  readonly records?: readonly RecordJson[];
  readonly reservation?: { readonly id: string };
  readonly currentVersion?: number;
  readonly lines?: readonly { readonly version: number }[];
}

/** What an answer of the wire says of its record. */
export function recordAnswer({ status, text }: Exchanged, { op }: RecordCall): RecordAnswer {
  const json = JSON.parse(text) as AnswerJson;
  if (status >= 400) {
    const version = json.currentVersion ?? json.lines?.[0]?.version;
    const code = json.code ?? `status ${status}`;
    return { kind: 'refused', code, ...(version !== undefined && { version }) };
  }
  const { onHand, reserved, version } = json.record ?? json.records?.[0] ?? json;
  return {
    kind: 'record',
    onHand,
    reserved,
    version,
    ...(op === 'reserve' && json.reservation && { reservationId: json.reservation.id }),
  };
}
