-- Points of a series lie together in blocks; `packed.rs` says how. Blocks of a
-- series do not overlap. first, last: times of the first and the last point.
CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    event_type INTEGER NOT NULL REFERENCES event_type (id) ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (event_type, first)
) STRICT;

-- The points themselves are moved by `migrations/blocks.rs`, which then drops
-- the table `point`.

-- state: TEXT whose first letter says what it is; the BLOB of a histogram.
CREATE TABLE new_bucket (
    event_type INTEGER NOT NULL REFERENCES event_type (id) ON DELETE CASCADE,
    window_seconds INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    state ANY NOT NULL,
    PRIMARY KEY (event_type, window_seconds, ts)
) STRICT, WITHOUT ROWID;
INSERT INTO new_bucket SELECT * FROM bucket ORDER BY event_type, window_seconds, ts;
DROP TABLE bucket;
ALTER TABLE new_bucket RENAME TO bucket;
