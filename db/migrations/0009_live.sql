-- Tests that somebody asked for at /tools: found again for a day by an id that cannot be guessed, whoever asks. They belong to no account
-- and hold no secrets: options are not kept. What was seen is kept as it is shown (JSON, event stream, page).

CREATE TABLE tool_tests (
  id text PRIMARY KEY,                     -- 128 random bits
  kind smallint NOT NULL,                  -- 3 smtp, 5 tls: numbers of kinds
  target text NOT NULL,
  host text NOT NULL,
  client text NOT NULL,                    -- a stranger's /24 or /64; empty: who asked had a key
  created_at bigint NOT NULL,
  ended_at bigint,                         -- null: it runs, or its node went away with it
  report text,                             -- the test as JSON
  events text,                             -- as it was streamed
  page text                                -- as it is shown
);
CREATE INDEX tool_tests_age ON tool_tests (created_at);
CREATE INDEX tool_tests_client ON tool_tests (client, created_at) WHERE client <> '';
CREATE INDEX tool_tests_host ON tool_tests (host, created_at) WHERE client <> '';

REVOKE ALL ON tool_tests FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON tool_tests TO {{api}};
GRANT SELECT ON tool_tests TO {{backup}};

-- ---- live events ---------------------------------------------------------------------------------------------------------------------
-- Everybody who watches reads `flips` behind a cursor; this says that there is something to read.
CREATE INDEX flips_feed ON flips (xid, monitor_id, region, version);
CREATE FUNCTION flips_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('everup_flips', '');
  RETURN NULL;
END $$;
CREATE TRIGGER flips_told AFTER INSERT ON flips FOR EACH STATEMENT EXECUTE FUNCTION flips_changed();
REVOKE ALL ON FUNCTION flips_changed() FROM PUBLIC;
