-- A number that grows with every row that is added to what searches look at, or
-- removed: who remembers an answer can see whether it still holds. (Nothing but
-- times is ever updated, and these are not looked at for what is remembered.)
CREATE TABLE generation (metadata INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (1);

CREATE TRIGGER record_added AFTER INSERT ON record
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER record_removed AFTER DELETE ON record
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER property_added AFTER INSERT ON property
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER property_removed AFTER DELETE ON property
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER event_type_added AFTER INSERT ON event_type
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER event_type_removed AFTER DELETE ON event_type
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER summary_added AFTER INSERT ON summary
BEGIN UPDATE generation SET metadata = metadata + 1; END;
CREATE TRIGGER summary_removed AFTER DELETE ON summary
BEGIN UPDATE generation SET metadata = metadata + 1; END;
