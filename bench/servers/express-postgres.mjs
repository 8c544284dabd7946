// What a team would write instead: Express, and one statement per reserve. DATABASE_URL names a
// database with the tables of schema.sql.
import { randomUUID } from 'node:crypto';
import express from 'express';
import pg from 'pg';

const POOL = 32;
const UNIQUE_VIOLATION = '23505';

/** The stock moves, the event and the idempotency key are written: all of it, or nothing. */
const RESERVE = {
  name: 'reserve',
  text: `
    WITH moved AS (
      UPDATE stock SET reserved = reserved + $3, version = version + 1, updated_at = now()
      WHERE store_id = $1 AND sku = $2 AND on_hand - reserved >= $3
      RETURNING on_hand, reserved, version, updated_at
    ), logged AS (
      INSERT INTO event (type, at, store_id, sku, version, on_hand, reserved, reserved_delta,
                         reservation_id, reference)
      SELECT 'StockReserved', updated_at, $1, $2, version, on_hand, reserved, $3, $4, $5 FROM moved
      RETURNING sequence, at, on_hand, reserved, version, reservation_id, reference, reserved_delta
    ), kept AS (
      INSERT INTO idempotency_key (key, fingerprint, sequence, keep_until)
      SELECT $6, $7, sequence, at + interval '5 minutes' FROM logged
    )
    SELECT * FROM logged`,
};

const REPLAY = {
  name: 'replay',
  text: `
    SELECT fingerprint, sequence, at, on_hand, reserved, version, reservation_id, reference,
           reserved_delta
    FROM idempotency_key JOIN event USING (sequence) WHERE key = $1`,
};

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: POOL });
const app = express();
app.use(express.json());

app.post('/api/inventory/stores/:storeId/inventory/:sku/reserve', async (request, response) => {
  const { storeId, sku } = request.params;
  const { qty, reference } = request.body;
  const key = request.get('idempotency-key');
  if (!Number.isInteger(qty) || qty < 1 || typeof reference !== 'string' || key === undefined) {
    response.status(400).json({ code: 'validation-failed' });
    return;
  }
  const fingerprint = JSON.stringify([storeId, sku, qty, reference]);
  try {
    const values = [storeId, sku, qty, randomUUID(), reference, key, fingerprint];
    const { rows } = await pool.query({ ...RESERVE, values });
    if (rows.length === 0) response.status(422).json({ code: 'insufficient-stock' });
    else response.status(201).json(answerOf(storeId, sku, rows[0]));
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== UNIQUE_VIOLATION) throw error;
    const { rows } = await pool.query({ ...REPLAY, values: [key] });
    if (rows[0].fingerprint !== fingerprint) {
      response.status(422).json({ code: 'idempotency-key-reused' });
      return;
    }
    response.set('Idempotent-Replayed', 'true').status(201);
    response.json(answerOf(storeId, sku, rows[0]));
  }
});

/** How much is in the log, for the bench to compare with what it was answered. */
app.get('/log-sequence', async (_request, response) => {
  const { rows } = await pool.query('SELECT count(*)::int AS events FROM event');
  response.json(rows[0].events);
});

/** What the service answers, member by member. */
function answerOf(
  /** @type {string} */ storeId,
  /** @type {string} */ sku,
  /** @type {Record<string, any>} */ row,
) {
  const { on_hand: onHand, reserved, version, at, reserved_delta: qty, sequence } = row;
  return {
    record: { storeId, sku, qty: onHand - reserved, reserved, onHand, version, updatedAt: at },
    reservation: {
      id: row.reservation_id,
      status: 'active',
      reference: row.reference,
      createdAt: at,
      expiresAt: null,
      lines: [{ storeId, sku, qty, held: qty, committed: 0, released: 0, expired: 0 }],
    },
    sequence: Number(sequence),
  };
}

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(port);
});
