-- Requests that sites have sent ahead of their visitors. Each is taken once.
CREATE TABLE pushed_requests (
    request    BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(request) = 32), -- hash of the end of request_uri
    client     TEXT    NOT NULL,
    query      TEXT    NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);
