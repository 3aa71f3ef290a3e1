-- Sign-ins to cabinets, for their holders to see. Forgotten after 90 days.
CREATE TABLE sign_ins (
    session      BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(session) = 32), -- hash of the session's token
    cabinet      BYTEA   NOT NULL REFERENCES cabinets (id),
    signed_in_at BIGINT  NOT NULL,
    assurance    TEXT    NOT NULL,
    way          TEXT    NOT NULL,
    browser      TEXT    NOT NULL -- its family
);

CREATE INDEX sign_ins_by_cabinet ON sign_ins (cabinet, signed_in_at);
CREATE INDEX sign_ins_by_time ON sign_ins (signed_in_at);

-- Up to when the holder has seen them.
ALTER TABLE cabinets ADD COLUMN seen_at BIGINT;
