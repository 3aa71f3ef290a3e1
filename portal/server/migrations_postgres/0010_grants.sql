-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- What one site was let know of one person. It belongs to a session: it ends with it, and goes over to the session that
-- takes its place if the same person has signed in again.
CREATE TABLE grants (
    id              BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    session         BYTEA   NOT NULL REFERENCES sessions (token) ON DELETE CASCADE,
    person          BYTEA   NOT NULL CHECK (octet_length(person) = 32), -- keyed hash of the personal number
    client          TEXT    NOT NULL,
    scopes          TEXT    NOT NULL,
    granted_event   BIGINT  NOT NULL, -- when the person signed in
    granted_level   TEXT    NOT NULL, -- how sure that was
    granted_way     TEXT    NOT NULL, -- how the assertion came
    nonce           TEXT,
    code            BYTEA   NOT NULL UNIQUE CHECK (octet_length(code) = 32), -- hash of the code
    redirect_uri    TEXT    NOT NULL,
    code_challenge  BYTEA   NOT NULL CHECK (octet_length(code_challenge) = 32),
    code_expires_at BIGINT  NOT NULL,
    code_taken_at   BIGINT
);

CREATE INDEX grants_by_session ON grants (session);
CREATE INDEX grants_by_person ON grants (person, client);

-- Tokens of a grant. A refresh token that was replaced stays, so that a second use can be told.
CREATE TABLE tokens (
    token            BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(token) = 32), -- hash of the token
    grant_id         BYTEA   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    kind             TEXT    NOT NULL,
    token_scopes     TEXT    NOT NULL,
    token_expires_at BIGINT  NOT NULL,
    replaced_at      BIGINT
);

CREATE INDEX tokens_by_grant ON tokens (grant_id);
CREATE INDEX tokens_by_expiry ON tokens (token_expires_at);

-- What people have agreed that sites may know.
CREATE TABLE consents (
    person    BYTEA   NOT NULL CHECK (octet_length(person) = 32),
    client    TEXT    NOT NULL,
    scopes    TEXT    NOT NULL,
    agreed_at BIGINT  NOT NULL,
    PRIMARY KEY (person, client)
);

-- Signed statements of sites that serve once.
CREATE TABLE statements_seen (
    statement  BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(statement) = 32), -- hash of its issuer and name
    expires_at BIGINT  NOT NULL
);

CREATE INDEX statements_seen_by_expiry ON statements_seen (expires_at);
