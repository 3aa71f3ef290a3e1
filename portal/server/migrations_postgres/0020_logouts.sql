-- Sites that are still to be told that what they were granted has ended (OpenID Connect Back-Channel Logout 1.0).
CREATE TABLE logouts (
    grant_id BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(grant_id) = 16), -- the claim sid of the site's tickets
    client   TEXT    NOT NULL,
    next_at  BIGINT  NOT NULL, -- when the site is told next
    tries    BIGINT  NOT NULL
);

CREATE INDEX logouts_by_time ON logouts (next_at);
