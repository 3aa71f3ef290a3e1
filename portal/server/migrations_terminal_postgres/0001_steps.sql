-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- Where a terminal session stands. Everything about card and person is in the record, sealed under a key that is not in
-- the database. This file is worth nothing two minutes later and belongs in no backup.
CREATE TABLE steps (
    session    BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(session) = 32), -- hash of the token hreq
    caller     BYTEA   NOT NULL CHECK (octet_length(caller) = 32), -- who began it, as a keyed hash
    step       BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    record     BYTEA   NOT NULL
);

CREATE INDEX steps_by_expiry ON steps (expires_at);
