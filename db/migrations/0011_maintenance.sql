-- Maintenance windows. What was measured is never changed by them: a version of a window holds from the instant it was saved, a change or
-- removal ends it at that instant, and which monitors its tags meant is kept from when to when. So the past reads the same for ever.
--
-- Repeated windows are worked out by the service (core/maintenance.h knows zones, SQL does not) 400 days ahead, and further by the keeper.
CREATE TABLE maintenance_windows (         -- one row a version; the one without ended_at holds
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  id bigint NOT NULL,
  version integer NOT NULL,
  name text NOT NULL,
  monitors bigint[],                       -- at most one of the two; neither: every monitor of the account
  tags text[],                             -- any of them
  starts_at bigint NOT NULL,
  length_ms bigint NOT NULL CHECK (length_ms > 0),
  rrule text,                              -- null: once
  timezone text NOT NULL,
  created_at bigint NOT NULL,
  saved_at bigint NOT NULL,                -- this version holds from here
  ended_at bigint,                         -- to here
  expanded_until bigint NOT NULL,          -- occurrences that begin before are in the table below
  PRIMARY KEY (id, version)
);
CREATE UNIQUE INDEX maintenance_windows_held ON maintenance_windows (account_id, id) WHERE ended_at IS NULL;
CREATE INDEX maintenance_windows_growing ON maintenance_windows (expanded_until) WHERE ended_at IS NULL AND rrule IS NOT NULL;
CREATE TABLE maintenance_occurrences (     -- cut to the time in which their version holds
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  window_id bigint NOT NULL,
  version integer NOT NULL,
  everything boolean NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL CHECK (to_at > from_at),
  PRIMARY KEY (window_id, version, from_at)
);
CREATE INDEX maintenance_occurrences_account ON maintenance_occurrences (account_id, to_at);
CREATE TABLE maintenance_matches (         -- monitor-scoped; kept by triggers
  monitor_id bigint NOT NULL,
  window_id bigint NOT NULL,
  version integer NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint,                            -- null: still
  PRIMARY KEY (monitor_id, window_id, version, from_at)
);

DO $$
DECLARE
  title text;
BEGIN
  FOREACH title IN ARRAY ARRAY['maintenance_windows', 'maintenance_occurrences'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', title);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', title);
    EXECUTE format('CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint)) '
                   'WITH CHECK (account_id = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint))', title);
    EXECUTE format('CREATE POLICY operator ON %I TO {{owner}} USING ((SELECT current_setting(''app.operator'', true)) = ''on'') '
                   'WITH CHECK ((SELECT current_setting(''app.operator'', true)) = ''on'')', title);
    EXECUTE format('CREATE POLICY worker ON %I TO {{worker}} USING ({{is_worker}}) WITH CHECK ({{is_worker}})', title);
    EXECUTE format('CREATE POLICY backup ON %I FOR SELECT TO {{backup}} USING ({{is_backup}})', title);
  END LOOP;
END $$;

-- ---- whom a window means ---------------------------------------------------------------------------------------------------------------
CREATE FUNCTION maintenance_saved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.maintenance_matches (monitor_id, window_id, version, from_at)
    SELECT m.id, NEW.id, NEW.version, NEW.saved_at FROM public.monitors m
    WHERE m.account_id = NEW.account_id AND m.deleted_at IS NULL AND (m.id = ANY (NEW.monitors) OR m.tags && NEW.tags);
  RETURN NULL;
END $$;
CREATE TRIGGER maintenance_saved AFTER INSERT ON maintenance_windows FOR EACH ROW EXECUTE FUNCTION maintenance_saved();

-- A monitor that gets or loses a tag is meant from then on, or no longer.
CREATE FUNCTION maintenance_tagged() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM public.maintenance_windows w WHERE w.tags IS NOT NULL AND w.ended_at IS NULL
                   AND w.account_id IN (SELECT c.account_id FROM changed c)) THEN RETURN NULL; END IF;
  DELETE FROM public.maintenance_matches x USING changed c, public.maintenance_windows w
    WHERE x.monitor_id = c.id AND x.to_at IS NULL AND w.id = x.window_id AND w.version = x.version AND w.ended_at IS NULL
      AND w.tags IS NOT NULL AND NOT w.tags && c.tags AND x.from_at >= c.updated_at;
  UPDATE public.maintenance_matches x SET to_at = c.updated_at FROM changed c, public.maintenance_windows w
    WHERE x.monitor_id = c.id AND x.to_at IS NULL AND w.id = x.window_id AND w.version = x.version AND w.ended_at IS NULL
      AND w.tags IS NOT NULL AND NOT w.tags && c.tags;
  INSERT INTO public.maintenance_matches (monitor_id, window_id, version, from_at)
    SELECT c.id, w.id, w.version, greatest(c.updated_at, w.saved_at) FROM changed c
    JOIN public.maintenance_windows w ON w.account_id = c.account_id AND w.ended_at IS NULL AND w.tags && c.tags
    WHERE c.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM public.maintenance_matches x
      WHERE x.monitor_id = c.id AND x.window_id = w.id AND x.version = w.version AND x.to_at IS NULL)
    ON CONFLICT (monitor_id, window_id, version, from_at) DO UPDATE SET to_at = NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER maintenance_tagged_insert AFTER INSERT ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION maintenance_tagged();
CREATE TRIGGER maintenance_tagged_update AFTER UPDATE ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION maintenance_tagged();

-- ---- what is laid over a timeline ------------------------------------------------------------------------------------------------------
-- Stretches of maintenance of these monitors (of these accounts, in the same order) that overlap [since, until); they may overlap each other.
CREATE FUNCTION maintenance_rows(monitors bigint[], accounts bigint[], since bigint, until bigint)
  RETURNS TABLE (monitor bigint, from_at bigint, to_at bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT u.id, o.from_at, o.to_at FROM unnest(monitors, accounts) AS u(id, account)
    JOIN public.maintenance_occurrences o ON o.account_id = u.account AND o.everything AND o.to_at > since AND o.from_at < until;
  RETURN QUERY SELECT x.monitor_id, greatest(o.from_at, x.from_at), least(o.to_at, coalesce(x.to_at, o.to_at))
    FROM public.maintenance_matches x
    JOIN public.maintenance_occurrences o ON o.window_id = x.window_id AND o.version = x.version AND o.to_at > since AND o.from_at < until
    WHERE x.monitor_id = ANY (monitors) AND x.from_at < o.to_at AND coalesce(x.to_at, o.to_at) > o.from_at
      AND least(o.to_at, coalesce(x.to_at, o.to_at)) > since AND greatest(o.from_at, x.from_at) < until;
END $$;
CREATE FUNCTION account_maintenance(monitor_ids bigint[], since bigint, until bigint)
  RETURNS TABLE (monitor bigint, from_at bigint, to_at bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint[];
  accounts bigint[];
BEGIN
  SELECT array_agg(m.id), array_agg(m.account_id) INTO mine, accounts FROM public.monitors m
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
  RETURN QUERY SELECT * FROM public.maintenance_rows(mine, accounts, since, until);
END $$;
-- The account's monitors that are in maintenance at an instant.
CREATE FUNCTION account_in_maintenance(at bigint) RETURNS SETOF bigint
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := nullif(current_setting('app.account', true), '')::bigint;
BEGIN
  IF EXISTS (SELECT 1 FROM public.maintenance_occurrences o WHERE o.account_id = mine AND o.everything AND o.from_at <= at AND o.to_at > at) THEN
    RETURN QUERY SELECT m.id FROM public.monitors m WHERE m.account_id = mine AND m.deleted_at IS NULL;
    RETURN;
  END IF;
  RETURN QUERY SELECT DISTINCT x.monitor_id FROM public.maintenance_occurrences o
    JOIN public.maintenance_matches x ON x.window_id = o.window_id AND x.version = o.version
    WHERE o.account_id = mine AND o.from_at <= at AND o.to_at > at AND x.from_at <= at AND coalesce(x.to_at, at + 1) > at;
END $$;
-- As in 0003_lists.sql; what is in maintenance is not shown as unknown.
CREATE OR REPLACE FUNCTION account_unknown(at bigint, after_id bigint, most integer)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := nullif(current_setting('app.account', true), '')::bigint;
  hidden bigint[] := coalesce((SELECT array_agg(x) FROM public.account_in_maintenance(at) x), '{}');
  m record;
BEGIN
  SELECT * INTO m FROM public.marks_of_shards(at);
  RETURN QUERY SELECT x.id FROM (
      (SELECT l.monitor_id AS id FROM public.monitor_live l WHERE l.account_id = mine AND l.rank = 1 AND l.monitor_id > after_id
         AND l.monitor_id <> ALL (hidden) ORDER BY l.monitor_id LIMIT most)
      UNION
      (SELECT s.id FROM public.stale_monitors(mine, at, m.marks, m.old_shards) s WHERE s.id > after_id AND s.id <> ALL (hidden)
         ORDER BY s.id LIMIT most)) x
    ORDER BY x.id LIMIT most;
END $$;
CREATE FUNCTION public_maintenance(link text, token text, since bigint, until bigint)
  RETURNS TABLE (monitor bigint, from_at bigint, to_at bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  mine bigint;
  account bigint;
BEGIN
  SELECT m.id, m.account_id INTO mine, account FROM public.public_monitor(link, token) m;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT * FROM public.maintenance_rows(ARRAY[mine], ARRAY[account], since, until);
  PERFORM set_config('app.operator', former, true);
END $$;
-- For who sends alerts (worker): those of the monitors that are in maintenance at an instant, and until when at least.
CREATE FUNCTION monitors_in_maintenance(monitor_ids bigint[], at bigint) RETURNS TABLE (monitor bigint, until bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  ids bigint[];
  accounts bigint[];
BEGIN
  SELECT array_agg(m.id), array_agg(m.account_id) INTO ids, accounts FROM public.monitors m WHERE m.id = ANY (monitor_ids);
  RETURN QUERY SELECT r.monitor, max(r.to_at) FROM public.maintenance_rows(ids, accounts, at, at + 1) r GROUP BY r.monitor;
END $$;

REVOKE ALL ON maintenance_windows, maintenance_occurrences, maintenance_matches FROM PUBLIC;
REVOKE ALL ON FUNCTION maintenance_saved(), maintenance_tagged(), maintenance_rows(bigint[], bigint[], bigint, bigint),
  account_maintenance(bigint[], bigint, bigint), account_in_maintenance(bigint), public_maintenance(text, text, bigint, bigint),
  monitors_in_maintenance(bigint[], bigint) FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON maintenance_windows TO {{api}};
GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance_occurrences TO {{api}};
GRANT SELECT ON maintenance_windows, maintenance_occurrences, maintenance_matches TO {{worker}}, {{backup}};
GRANT EXECUTE ON FUNCTION account_maintenance(bigint[], bigint, bigint), account_in_maintenance(bigint) TO {{api}};
GRANT EXECUTE ON FUNCTION public_maintenance(text, text, bigint, bigint) TO {{public}};
GRANT EXECUTE ON FUNCTION maintenance_rows(bigint[], bigint[], bigint, bigint), monitors_in_maintenance(bigint[], bigint) TO {{worker}};
