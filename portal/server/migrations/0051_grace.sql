-- Until when the revocation data was current by which a sign-in was accepted, if it was out of date: such a sign-in makes no
-- session surer than it is.
ALTER TABLE completions ADD COLUMN stale_since INTEGER;
