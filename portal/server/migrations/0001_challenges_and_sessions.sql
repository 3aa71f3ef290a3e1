-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- A challenge that was taken stays until it would have expired, and a little longer, so that a replay can be named.
CREATE TABLE challenges (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    browser    BLOB    NOT NULL CHECK (length(browser) = 32), -- hash of the token in the asking browser's cookie
    challenge  TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    taken_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_by_expiry ON challenges (expires_at);

CREATE TABLE sessions (
    token                  BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32), -- hash of the token in the cookie
    signed_in_at           INTEGER NOT NULL,
    expires_at             INTEGER NOT NULL,
    assurance              TEXT    NOT NULL,
    personal_number        TEXT    NOT NULL,
    family_name            TEXT,
    given_name             TEXT,
    patronymic             TEXT,
    belarusian_family_name TEXT,
    belarusian_given_name  TEXT,
    belarusian_patronymic  TEXT,
    latin_name             TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
