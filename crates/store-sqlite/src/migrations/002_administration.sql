-- Unix seconds; unknown for records that were stored before.
ALTER TABLE record ADD COLUMN created INTEGER;

-- Unix seconds until which base points were removed.
ALTER TABLE event_type ADD COLUMN removed_until INTEGER;
