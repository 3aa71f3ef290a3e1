-- Whose account with another provider it is, where nobody has shown a card: the personal number is then an empty text, and
-- there is no cabinet.
ALTER TABLE sessions ADD COLUMN outside_issuer TEXT;
ALTER TABLE sessions ADD COLUMN outside_subject TEXT;
ALTER TABLE sessions ADD COLUMN outside_name TEXT;
