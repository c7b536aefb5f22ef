-- The journal of an agent: what it still owes, and what it must know after a
-- restart to owe nothing twice. This file is the specification; it is built
-- into the agent, which runs it on a new database. Version 1; what later versions
-- add has files of its own: schema_2.sql.
--
-- Written by one thread over one connection; what is committed together is one
-- transaction of the core's or several (group commit). Pragmas that belong to
-- it, in this order, before the first table: locking_mode=EXCLUSIVE,
-- page_size=16384, auto_vacuum=INCREMENTAL, journal_mode=WAL,
-- synchronous=FULL, secure_delete=OFF (agent/journal/open_database.cpp).
--
-- Integers are signed 64 bits; ids and counters stay below 2^63, so that their
-- order is SQL's. Hashes keep their bits. 128-bit ids are blobs of 16 bytes,
-- so that hex(id) is what the agent prints. Times are microseconds since 1970
-- on this host's wall clock, 0 for never.
--
-- PRAGMA user_version is the version of this schema. A newer agent migrates an
-- older journal forward (agent/journal/migrate.cpp); an older agent refuses a newer one.

-- A batch, stored once, whoever it is owed to: the bytes that libbus made.
-- Deleted with its last entry.
CREATE TABLE batch (
    id       INTEGER PRIMARY KEY,   -- counts the batches that this agent has taken; the order of all streams
    expires  INTEGER NOT NULL,
    source   INTEGER NOT NULL,      -- destination.id of the peer that it came from; 0: a producer of this host
    owner    INTEGER NOT NULL,      -- whose apps have published it: one more than the uid; 0: a peer's
    taken    INTEGER NOT NULL,      -- when: how long it has waited
    for_group TEXT   NOT NULL,      -- the subscription group that this copy is for, "NAME FILTER"; '': none
    checksum INTEGER NOT NULL,      -- XXH3-64 of bytes, seeded with id, expires and group; verified at each read
    bytes    BLOB    NOT NULL       -- last: everything else is read without touching its pages
);

-- A batch owed to a destination: the stream of (destination, lane), in order.
CREATE TABLE entry (
    destination INTEGER NOT NULL,   -- destination.id
    lane        INTEGER NOT NULL,   -- 0 high, 1 normal, 2 low
    batch       INTEGER NOT NULL,
    channel     INTEGER NOT NULL,   -- hash of kind, channel and group: what is held is read back alone
    flags       INTEGER NOT NULL,   -- 1 resent, 2 pinned, 4 rerouted, 8 redelivered
    done        INTEGER NOT NULL,   -- of its messages, the first so many are acknowledged
    messages    INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    due         INTEGER NOT NULL,   -- in a delay line: not to be handed out before; otherwise 0
    PRIMARY KEY (destination, lane, batch)
) WITHOUT ROWID;
-- A delay line is read in this order.
CREATE INDEX entry_due ON entry (destination, lane, due, batch) WHERE due > 0;

-- How many entries a batch has, for those that have more than one: settling
-- one of them must not rewrite a row with a large blob.
CREATE TABLE shared (
    batch INTEGER PRIMARY KEY,
    owes  INTEGER NOT NULL
);

-- Totals of each stream, kept with each transaction, so that a start reads no stream.
CREATE TABLE stream (
    destination INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    entries     INTEGER NOT NULL,
    messages    INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (destination, lane)
) WITHOUT ROWID;

-- Totals of each channel that something is stored of, each batch once and whole, with a row for each
-- owner, and for each group that it has copies for; kept with each transaction.
CREATE TABLE channel (
    hash     INTEGER NOT NULL,          -- as in entry.channel
    owner    INTEGER NOT NULL,          -- as in batch
    kind     INTEGER NOT NULL,          -- 0 topic, 1 queue, 2 service
    name     TEXT    NOT NULL,
    batches  INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (hash, owner)
) WITHOUT ROWID;

-- Where batches are owed: a queue or subscription of this host, or another agent.
-- Anonymous subscriptions too: after a restart they collect until their apps are back.
CREATE TABLE destination (
    id         INTEGER PRIMARY KEY,
    type       INTEGER NOT NULL,    -- 0 queue, 1 durable, 2 anonymous, 3 agent, 4 delay line, 6 group
    kind       INTEGER NOT NULL,    -- 0 topic, 1 queue, 2 service
    name       TEXT    NOT NULL,
    filter     TEXT    NOT NULL,
    group_name TEXT    NOT NULL,    -- type 6: its name; 1, 2: the name by which it asks for last values, or ''
    agent      BLOB    NOT NULL,    -- type 3; otherwise zeros
    paused     INTEGER NOT NULL,    -- type 1: it collects and hands out nothing
    declared   INTEGER NOT NULL,    -- type 6: by this host; otherwise by peers alone
    owner      INTEGER NOT NULL     -- types 1 and 6: whose app has declared it, as in batch
);

-- Destinations that have ended while their entries are still being deleted, in small steps; or,
-- where there is a reason, made dead letters.
CREATE TABLE dropped (
    destination INTEGER PRIMARY KEY,
    type        INTEGER NOT NULL,       -- as in destination; the three are for its dead letters
    name        TEXT    NOT NULL,
    agent       BLOB    NOT NULL,
    reason      TEXT    NOT NULL,       -- '': nothing is kept
    buried      INTEGER NOT NULL
);

-- The other agents that this one has met.
CREATE TABLE peer (
    id               BLOB PRIMARY KEY,
    name             TEXT    NOT NULL,
    key              TEXT    NOT NULL,  -- CURVE public key, Z85
    incarnation      INTEGER NOT NULL,  -- the highest seen
    nonce            INTEGER NOT NULL,  -- random bits of that incarnation
    interest_version INTEGER NOT NULL,
    -- Tickets (libbus/PROTOCOL.md): 8 bytes that count, 8 random ones; all zero: none.
    issued           BLOB    NOT NULL,  -- the last that was made for it
    before           BLOB    NOT NULL,  -- the one that it has unless it has confirmed that
    held             BLOB    NOT NULL,  -- its last for this agent
    ticket_flags     INTEGER NOT NULL   -- 1 it has confirmed the one issued, 2 told to rejoin
) WITHOUT ROWID;

-- Batches of that incarnation of a peer, up to that number, are settled or in this journal.
CREATE TABLE peer_mark (
    peer        BLOB PRIMARY KEY,
    incarnation INTEGER NOT NULL,
    number      INTEGER NOT NULL
) WITHOUT ROWID;

-- The same of a producer of this host; kept for 24 h after its last use.
CREATE TABLE producer_mark (
    producer BLOB PRIMARY KEY,
    number   INTEGER NOT NULL,
    used     INTEGER NOT NULL
) WITHOUT ROWID;

-- Large messages whose producer was away too long in the middle of them: no more of their parts
-- are taken. Go with the mark of their producer.
CREATE TABLE given_up (
    producer       BLOB    NOT NULL,
    first_sequence INTEGER NOT NULL,    -- of the message's first part
    PRIMARY KEY (producer, first_sequence)
) WITHOUT ROWID;

-- What each peer wants, as it was last heard.
CREATE TABLE interest (
    peer       BLOB    NOT NULL,
    kind       INTEGER NOT NULL,
    name       TEXT    NOT NULL,        -- of the durable subscription; '' for an anonymous one
    filter     TEXT    NOT NULL,
    group_name TEXT    NOT NULL,
    durable    INTEGER NOT NULL,
    PRIMARY KEY (peer, kind, name, filter, group_name)
) WITHOUT ROWID;

-- Durable subscriptions of this host that were removed, until every peer has confirmed it.
CREATE TABLE tombstone (
    kind       INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    filter     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    group_name TEXT    NOT NULL,
    PRIMARY KEY (kind, name, filter, group_name)
) WITHOUT ROWID;

-- Messages that could not be delivered, with payload, reason and history. The batch may still be
-- owed elsewhere, so its bytes are a copy: a batch of these messages alone. The destination may end
-- before its dead letters.
CREATE TABLE dead_letter (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- people write it down: never used again
    destination INTEGER NOT NULL,
    type        INTEGER NOT NULL,       -- as in destination, with the two below
    name        TEXT    NOT NULL,
    agent       BLOB    NOT NULL,
    lane        INTEGER NOT NULL,
    batch       INTEGER NOT NULL,
    first       INTEGER NOT NULL,       -- where they stood in that batch
    count       INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    channel     TEXT    NOT NULL,
    producer    BLOB    NOT NULL,
    sequence    INTEGER NOT NULL,       -- of the first of them
    message     INTEGER NOT NULL,       -- a part of a large message: the sequence of part 0; otherwise 0
    part        INTEGER NOT NULL,       -- which, of so many
    parts       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,       -- to hand it to a consumer; 0: none, or not known
    taken       INTEGER NOT NULL,       -- by this agent; 0: not known
    buried      INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    for_group   TEXT    NOT NULL,       -- as in batch
    size        INTEGER NOT NULL,       -- length(bytes)
    checksum    INTEGER NOT NULL,       -- as batch.checksum, with expires 0
    bytes       BLOB    NOT NULL
);
CREATE UNIQUE INDEX dead_letter_of ON dead_letter (destination, lane, batch, first);
CREATE INDEX dead_letter_part ON dead_letter (producer, message, destination) WHERE message > 0;

-- What a durable subscription has lost, in messages since it began; goes with its destination.
CREATE TABLE gap (
    destination INTEGER PRIMARY KEY,
    lapsed      INTEGER NOT NULL,       -- beyond its share
    best_effort INTEGER NOT NULL,       -- no consumer had room
    damaged     INTEGER NOT NULL,       -- in this journal
    restored    INTEGER NOT NULL,       -- with a journal that was lost, or put back from a backup
    told        INTEGER NOT NULL,       -- of all, so many its app has heard of
    news        INTEGER NOT NULL,       -- 1: of what was lost last it has not
    reason      INTEGER NOT NULL,       -- of that: 0 to 3, as above
    channel     TEXT    NOT NULL,       -- '': not known
    messages    INTEGER NOT NULL,
    first_taken INTEGER NOT NULL,
    last_taken  INTEGER NOT NULL
);

-- The conservation account of each destination, in messages, since the incarnation beside it began;
-- destination 0 counts what had none.
CREATE TABLE account (
    destination   INTEGER PRIMARY KEY,
    incarnation   INTEGER NOT NULL,
    recovered     INTEGER NOT NULL,
    taken         INTEGER NOT NULL,
    settled       INTEGER NOT NULL,
    filtered      INTEGER NOT NULL,
    expired       INTEGER NOT NULL,
    lapsed        INTEGER NOT NULL,
    dead_lettered INTEGER NOT NULL,
    purged        INTEGER NOT NULL,
    moved         INTEGER NOT NULL,
    waiting       INTEGER NOT NULL,
    unrouted      INTEGER NOT NULL
);

-- Rows that failed their checksum: taken out of their streams, kept for people to look at.
CREATE TABLE damaged (
    id     INTEGER PRIMARY KEY,
    batch  INTEGER NOT NULL,
    found  INTEGER NOT NULL,            -- the incarnation that found it
    reason TEXT    NOT NULL,
    bytes  BLOB                         -- null where there were too many to keep
);

-- One row.
CREATE TABLE meta (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    agent            BLOB    NOT NULL,  -- whose journal this is
    incarnation      INTEGER NOT NULL,  -- of the last start: committed before its first use
    commits          INTEGER NOT NULL,  -- of all incarnations; the high-water mark beside the database has it too
    last_batch       INTEGER NOT NULL,  -- the highest ids ever stored, also of what is gone
    last_destination INTEGER NOT NULL,
    live_bytes       INTEGER NOT NULL,  -- sum of length(batch.bytes)
    dead_letters     INTEGER NOT NULL,
    dead_bytes       INTEGER NOT NULL
);
