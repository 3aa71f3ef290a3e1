-- Requests that sites have sent ahead of their visitors. Each is taken once.
CREATE TABLE pushed_requests (
    request    BLOB    NOT NULL PRIMARY KEY CHECK (length(request) = 32), -- hash of the end of request_uri
    client     TEXT    NOT NULL,
    query      TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);
