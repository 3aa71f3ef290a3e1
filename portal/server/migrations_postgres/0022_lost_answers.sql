-- Which refresh token a token was given for: an answer that was lost on the way can be given again.
ALTER TABLE tokens ADD COLUMN replaces BYTEA CHECK (replaces IS NULL OR octet_length(replaces) = 32);
CREATE INDEX tokens_by_replaced ON tokens (replaces) WHERE replaces IS NOT NULL;
