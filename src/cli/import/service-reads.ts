import { z } from 'zod';
import type { StockName } from '../../domain/keys.js';
import { ImportError } from './import-error.js';
import type { PatientClient } from './patience.js';
import { readAs, recordPath, storePath } from './questions.js';

const RECORDS_PER_PAGE = 1_000;
/** An event shows all its lines, and the one that is looked for is most often the newest. */
const EVENTS_FIRST_PAGE = 2;
const EVENTS_PER_PAGE_MAX = 100;

const recordSchema = z.object({
  storeId: z.string(),
  sku: z.string(),
  onHand: z.int(),
  reserved: z.int(),
});
const eventSchema = z.object({
  sequence: z.int().min(1),
  type: z.string(),
  reservationId: z.string().nullish(),
  reference: z.string().nullish(),
});

export type ServiceRecord = z.infer<typeof recordSchema>;
export type ServiceEvent = z.infer<typeof eventSchema>;

export interface ServiceReads {
  /** Every record of a store. */
  records(storeId: string): AsyncGenerator<ServiceRecord>;
  /** The events that moved a record, newest first; of an unknown record, none. */
  history(name: StockName): AsyncGenerator<ServiceEvent>;
}

export function createServiceReads(client: PatientClient): ServiceReads {
  async function* items<T>(
    path: string,
    schema: z.ZodType<T>,
    perPage: { readonly first: number; readonly most: number },
  ): AsyncGenerator<T> {
    let limit = perPage.first;
    const pageSchema = z.object({ items: z.array(schema), nextCursor: z.string().nullish() });
    let cursor: string | null | undefined;
    do {
      const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) });
      const answer = await client.ask({
        request: { method: 'GET', path: `${path}?${query.toString()}` },
        read: (body) => readAs(pageSchema, body, path),
      });
      if (answer.kind === 'refused') {
        if (answer.code === 'stock-not-found') return;
        throw new ImportError(`${path}: ${answer.code}`);
      }
      yield* answer.value.items;
      cursor = answer.value.nextCursor;
      limit = Math.min(limit * 4, perPage.most);
    } while (cursor);
  }

  return {
    records: (storeId) => {
      const perPage = { first: RECORDS_PER_PAGE, most: RECORDS_PER_PAGE };
      return items(storePath(storeId), recordSchema, perPage);
    },
    history: (name) => {
      const perPage = { first: EVENTS_FIRST_PAGE, most: EVENTS_PER_PAGE_MAX };
      return items(`${recordPath(name)}/events`, eventSchema, perPage);
    },
  };
}
