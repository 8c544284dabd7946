CREATE TABLE stock (
  store_id text NOT NULL,
  sku text NOT NULL,
  on_hand integer NOT NULL CHECK (on_hand >= reserved),
  reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  version integer NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, sku)
);

CREATE TABLE event (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,
  at timestamptz NOT NULL,
  store_id text NOT NULL,
  sku text NOT NULL,
  version integer NOT NULL,
  on_hand integer NOT NULL,
  reserved integer NOT NULL,
  reserved_delta integer NOT NULL,
  reservation_id uuid NOT NULL,
  reference text
);

CREATE TABLE idempotency_key (
  key text PRIMARY KEY,
  fingerprint text NOT NULL,
  sequence bigint NOT NULL,
  keep_until timestamptz NOT NULL
);
