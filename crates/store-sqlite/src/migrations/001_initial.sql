-- Names of event types, users and properties are compared byte by byte.

CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    identity BLOB NOT NULL UNIQUE,
    subject_type TEXT NOT NULL
) STRICT;
CREATE INDEX record_by_subject_type ON record (subject_type, key);

-- kind: 0 a field of the subject, 1 a free-form parameter.
CREATE TABLE property (
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (record, kind, name)
) STRICT, WITHOUT ROWID;
-- Dashes and underscores in names are the same.
CREATE INDEX property_by_value ON property (kind, replace(name, '_', '-'), value);

CREATE TABLE event_type (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    time_updated INTEGER,
    UNIQUE (record, name)
) STRICT;
CREATE INDEX event_type_by_name ON event_type (name, time_updated, record);
CREATE INDEX event_type_by_time ON event_type (time_updated, record);

CREATE TABLE summary (
    event_type INTEGER NOT NULL REFERENCES event_type (id) ON DELETE CASCADE,
    summary_type TEXT NOT NULL,
    window_seconds INTEGER NOT NULL,
    PRIMARY KEY (event_type, summary_type, window_seconds)
) STRICT, WITHOUT ROWID;
CREATE INDEX summary_by_window ON summary (window_seconds, summary_type, event_type);

-- value: INTEGER, REAL, or TEXT whose first letter says what it is.
CREATE TABLE point (
    event_type INTEGER NOT NULL REFERENCES event_type (id) ON DELETE CASCADE,
    ts INTEGER NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (event_type, ts)
) STRICT, WITHOUT ROWID;

-- All summaries of one window are views of the same row. Summaries of window 0
-- are views of the point.
CREATE TABLE bucket (
    event_type INTEGER NOT NULL REFERENCES event_type (id) ON DELETE CASCADE,
    window_seconds INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (event_type, window_seconds, ts)
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
    name TEXT PRIMARY KEY,
    key_hash BLOB UNIQUE,
    active INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- first, last: addresses of 4 or 16 bytes, most significant first.
CREATE TABLE network (
    family INTEGER NOT NULL,
    first BLOB NOT NULL,
    last BLOB NOT NULL,
    user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    PRIMARY KEY (family, first, last)
) STRICT, WITHOUT ROWID;
CREATE INDEX network_by_user ON network (user);
