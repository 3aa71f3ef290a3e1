-- A challenge of a link: presented through the link only, and given to one client program.
ALTER TABLE challenges ADD COLUMN link       BYTEA   CHECK (link IS NULL OR octet_length(link) = 32); -- hash of the link's token
ALTER TABLE challenges ADD COLUMN short_code TEXT;
ALTER TABLE challenges ADD COLUMN fetched_at BIGINT; -- when a client program was given it

CREATE UNIQUE INDEX challenges_by_link ON challenges (link) WHERE link IS NOT NULL;

-- A sign-in by link that was accepted and waits for the browser that asked for it. Taken once, whoever comes.
CREATE TABLE completions (
    token                  BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(token) = 32), -- hash of the token in the address
    browser                BYTEA   NOT NULL CHECK (octet_length(browser) = 32), -- hash of the token in the asking browser's cookie
    ends_at                BIGINT  NOT NULL, -- from when on it is refused
    signed_in_at           BIGINT  NOT NULL,
    expires_at             BIGINT  NOT NULL, -- of the session that it opens
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

CREATE INDEX completions_by_end ON completions (ends_at);
