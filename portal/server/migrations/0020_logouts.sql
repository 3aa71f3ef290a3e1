-- Sites that are still to be told that what they were granted has ended (OpenID Connect Back-Channel Logout 1.0).
CREATE TABLE logouts (
    grant_id BLOB    NOT NULL PRIMARY KEY CHECK (length(grant_id) = 16), -- the claim sid of the site's tickets
    client   TEXT    NOT NULL,
    next_at  INTEGER NOT NULL, -- when the site is told next
    tries    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX logouts_by_time ON logouts (next_at);
