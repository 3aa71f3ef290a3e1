-- How the assertion came: page, program, link. What was kept before this is taken for the way that says least.
ALTER TABLE sessions    ADD COLUMN way TEXT NOT NULL DEFAULT 'program';
ALTER TABLE completions ADD COLUMN way TEXT NOT NULL DEFAULT 'program';
