-- Keys whose possession sites prove (RFC 9449): SHA-256 thumbprints. None where nothing is bound to a key.
ALTER TABLE grants ADD COLUMN code_key  BYTEA CHECK (code_key IS NULL OR octet_length(code_key) = 32); -- who may exchange the code
ALTER TABLE tokens ADD COLUMN proof_key BYTEA CHECK (proof_key IS NULL OR octet_length(proof_key) = 32); -- who may use the token
