import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type * as wire from '../../src/client/wire-types.js';
import type * as requests from '../../src/http/schemas/request-schemas.js';
import type * as responses from '../../src/http/schemas/response-schemas.js';

/** As the service has it, without permission to change it. */
type Read<Schema> = Frozen<Schema extends z.ZodType ? z.output<Schema> : never>;
type Sent<Schema> = Frozen<Schema extends z.ZodType ? z.input<Schema> : never>;
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;

/** Its result, the compiler compares: `npm run typecheck` fails where they differ. */
describe('the types of the client', () => {
  it('are those of the answers', () => {
    type R = typeof responses;
    expectTypeOf<Frozen<wire.StockRecord>>().toEqualTypeOf<Read<R['stockRecordSchema']>>();
    expectTypeOf<Frozen<wire.StoredReservation>>().toEqualTypeOf<
      Read<R['storedReservationSchema']>
    >();
    expectTypeOf<Frozen<wire.FeedPage>>().toEqualTypeOf<Read<R['feedPageSchema']>>();
    expectTypeOf<Frozen<wire.Page<wire.StockRecord>>>().toEqualTypeOf<Read<R['stockPageSchema']>>();
    expectTypeOf<Frozen<wire.Page<wire.Reservation>>>().toEqualTypeOf<
      Read<R['reservationPageSchema']>
    >();
    expectTypeOf<Frozen<wire.Page<wire.StockEvent>>>().toEqualTypeOf<Read<R['eventPageSchema']>>();
    expectTypeOf<Frozen<wire.MovedRecord>>().toEqualTypeOf<Read<R['movedRecordSchema']>>();
    expectTypeOf<Frozen<wire.HeldRecord>>().toEqualTypeOf<Read<R['heldRecordSchema']>>();
    expectTypeOf<Frozen<wire.SettledReservation>>().toEqualTypeOf<Read<R['settledSchema']>>();
    expectTypeOf<Frozen<wire.Transferred>>().toEqualTypeOf<Read<R['transferredSchema']>>();
  });

  it('are those of the requests', () => {
    type R = typeof requests;
    expectTypeOf<Frozen<wire.Adjust>>().toEqualTypeOf<Sent<R['adjustSchema']>>();
    expectTypeOf<Frozen<wire.Count>>().toEqualTypeOf<Sent<R['countSchema']>>();
    expectTypeOf<Frozen<wire.Reserve>>().toEqualTypeOf<Sent<R['reserveSchema']>>();
    expectTypeOf<Frozen<wire.CreateReservation>>().toEqualTypeOf<
      Sent<R['createReservationSchema']>
    >();
    expectTypeOf<Frozen<wire.Transfer>>().toEqualTypeOf<Sent<R['transferSchema']>>();
    expectTypeOf<Frozen<wire.BatchOperation>>().toEqualTypeOf<
      Frozen<requests.BatchOperationBody>
    >();
  });
});
