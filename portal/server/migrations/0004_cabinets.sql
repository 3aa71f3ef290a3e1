-- The keys that cabinets were named with. The keys themselves are not in the database.
CREATE TABLE cabinet_keys (
    number INTEGER NOT NULL PRIMARY KEY,
    id     TEXT    NOT NULL
) STRICT;

CREATE TABLE cabinets (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- drawn; the same for ever
    name       BLOB    NOT NULL UNIQUE CHECK (length(name) = 32), -- keyed hash of the person's number
    key        INTEGER NOT NULL REFERENCES cabinet_keys (number), -- the key of the name
    opened_at  INTEGER, -- the first sign-in with the assurance `high`
    blocked_at INTEGER -- for ever
) STRICT, WITHOUT ROWID;

CREATE INDEX cabinets_by_key ON cabinets (key);

-- None where there are no cabinets, and in what was kept before this.
ALTER TABLE sessions ADD COLUMN cabinet BLOB REFERENCES cabinets (id);
CREATE INDEX sessions_by_cabinet ON sessions (cabinet) WHERE cabinet IS NOT NULL;

-- Whose door the sign-in will come to.
ALTER TABLE completions ADD COLUMN cabinet      BLOB CHECK (cabinet IS NULL OR length(cabinet) = 16);
ALTER TABLE completions ADD COLUMN cabinet_name BLOB CHECK (cabinet_name IS NULL OR length(cabinet_name) = 32);
ALTER TABLE completions ADD COLUMN cabinet_key  INTEGER;
