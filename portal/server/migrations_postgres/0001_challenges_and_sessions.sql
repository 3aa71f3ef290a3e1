-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- A challenge that was taken stays until it would have expired, and a little longer, so that a replay can be named.
CREATE TABLE challenges (
    id         BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    browser    BYTEA   NOT NULL CHECK (octet_length(browser) = 32), -- hash of the token in the asking browser's cookie
    challenge  TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    issued_at  BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    taken_at   BIGINT
);

CREATE INDEX challenges_by_expiry ON challenges (expires_at);

CREATE TABLE sessions (
    token                  BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(token) = 32), -- hash of the token in the cookie
    signed_in_at           BIGINT  NOT NULL,
    expires_at             BIGINT  NOT NULL,
    assurance              TEXT    NOT NULL,
    personal_number        TEXT    NOT NULL,
    family_name            TEXT,
    given_name             TEXT,
    patronymic             TEXT,
    belarusian_family_name TEXT,
    belarusian_given_name  TEXT,
    belarusian_patronymic  TEXT,
    latin_name             TEXT
);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
