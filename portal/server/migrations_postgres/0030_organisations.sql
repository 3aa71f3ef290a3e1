-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- For which organisations the holders of cabinets may act. The operator says so, and takes it back.
CREATE TABLE bindings (
    id              BYTEA    NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16), -- drawn
    cabinet         BYTEA    NOT NULL REFERENCES cabinets (id),
    organisation    TEXT    NOT NULL, -- its number as a taxpayer
    belarusian_name TEXT    NOT NULL,
    russian_name    TEXT    NOT NULL,
    english_name    TEXT    NOT NULL,
    bound_at        BIGINT NOT NULL,
    UNIQUE (cabinet, organisation)
);

-- For which organisation the holder acts in a session; for none where it is empty.
ALTER TABLE sessions ADD COLUMN binding BYTEA REFERENCES bindings (id) ON DELETE SET NULL;
CREATE INDEX sessions_by_binding ON sessions (binding) WHERE binding IS NOT NULL;

-- For which organisation a site was told that the holder acts.
ALTER TABLE grants ADD COLUMN granted_binding BYTEA REFERENCES bindings (id) ON DELETE CASCADE;
CREATE INDEX grants_by_binding ON grants (granted_binding) WHERE granted_binding IS NOT NULL;

-- Of which organisations people have agreed that a site may know that they act for them.
CREATE TABLE consents_to_act (
    person  BYTEA NOT NULL,
    client  TEXT NOT NULL,
    binding BYTEA NOT NULL REFERENCES bindings (id) ON DELETE CASCADE,
    PRIMARY KEY (person, client, binding),
    FOREIGN KEY (person, client) REFERENCES consents (person, client) ON DELETE CASCADE
);

CREATE INDEX consents_to_act_by_binding ON consents_to_act (binding);
