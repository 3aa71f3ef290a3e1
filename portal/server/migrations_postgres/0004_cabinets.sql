-- The keys that cabinets were named with. The keys themselves are not in the database.
CREATE TABLE cabinet_keys (
    number BIGINT  NOT NULL PRIMARY KEY,
    id     TEXT    NOT NULL
);

CREATE TABLE cabinets (
    id         BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16), -- drawn; the same for ever
    name       BYTEA   NOT NULL UNIQUE CHECK (octet_length(name) = 32), -- keyed hash of the person's number
    key        BIGINT  NOT NULL REFERENCES cabinet_keys (number), -- the key of the name
    opened_at  BIGINT, -- the first sign-in with the assurance `high`
    blocked_at BIGINT  -- for ever
);

CREATE INDEX cabinets_by_key ON cabinets (key);

-- None where there are no cabinets, and in what was kept before this.
ALTER TABLE sessions ADD COLUMN cabinet BYTEA REFERENCES cabinets (id);
CREATE INDEX sessions_by_cabinet ON sessions (cabinet) WHERE cabinet IS NOT NULL;

-- Whose door the sign-in will come to.
ALTER TABLE completions ADD COLUMN cabinet      BYTEA CHECK (cabinet IS NULL OR octet_length(cabinet) = 16);
ALTER TABLE completions ADD COLUMN cabinet_name BYTEA CHECK (cabinet_name IS NULL OR octet_length(cabinet_name) = 32);
ALTER TABLE completions ADD COLUMN cabinet_key  BIGINT;
