-- Version 2: what the journal has besides the tables of schema.sql.

-- The last message of each topic that retains it ("retain": "last"), for late joiners: a batch of
-- it alone. A new one has a higher id: what was published longest ago comes first.
CREATE TABLE last_value (
    id       INTEGER PRIMARY KEY,
    channel  TEXT    NOT NULL UNIQUE,
    expires  INTEGER NOT NULL,
    checksum INTEGER NOT NULL,          -- as batch.checksum, with id 0 and the channel as group
    bytes    BLOB    NOT NULL
);
