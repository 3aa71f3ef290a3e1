-- What is written when somebody asks whether the service is ready: a disk that takes nothing more is found out by nothing
-- less.
CREATE TABLE checks (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    times    INTEGER NOT NULL
) STRICT;

INSERT INTO checks (only_row, times) VALUES (1, 0);
