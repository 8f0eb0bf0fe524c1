-- Status pages: what an account shows of its monitors to everybody who knows the address, or a password.
--
-- The public role reads them through the functions below alone: each answers for one published page and for nothing that the page does not
-- show. What is shown of a monitor is its name on the page, its states and its incidents; never its target.
CREATE TABLE status_pages (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  slug text NOT NULL,                      -- of all accounts: it is an address
  domain text,                             -- a name of the account's own that leads here, in small letters
  published boolean NOT NULL,
  settings jsonb NOT NULL,                 -- what else db/status_page_json.h reads and writes
  monitors bigint[] NOT NULL,              -- those that `settings` names
  password_hash text,                      -- PHC string; null: open to everybody
  revision integer NOT NULL DEFAULT 1,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX status_pages_slug ON status_pages (slug);
CREATE UNIQUE INDEX status_pages_domain ON status_pages (domain) WHERE domain IS NOT NULL;
CREATE INDEX status_pages_account ON status_pages (account_id, id);

ALTER TABLE status_pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE status_pages FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON status_pages USING (account_id = (SELECT nullif(current_setting('app.account', true), '')::bigint))
  WITH CHECK (account_id = (SELECT nullif(current_setting('app.account', true), '')::bigint));
CREATE POLICY operator ON status_pages TO {{owner}} USING ((SELECT current_setting('app.operator', true)) = 'on')
  WITH CHECK ((SELECT current_setting('app.operator', true)) = 'on');
CREATE POLICY worker ON status_pages TO {{worker}} USING ({{is_worker}}) WITH CHECK ({{is_worker}});
CREATE POLICY backup ON status_pages FOR SELECT TO {{backup}} USING ({{is_backup}});

-- Where an outage stands by the words of who works on it: 1 investigating, 2 identified, 3 monitoring; null: said nothing.
ALTER TABLE incident_updates ADD COLUMN stage smallint CHECK (stage BETWEEN 1 AND 3);

-- ---- what the public role reads ----------------------------------------------------------------------------------------------------------
-- By slug, or by domain where that is not empty. The setting is put back as find_api_key() does.
CREATE FUNCTION public_status_page(wanted_slug text, wanted_domain text)
  RETURNS TABLE (id bigint, account_id bigint, slug text, domain text, published boolean, settings text, password_hash text,
                 revision integer, created_at bigint, updated_at bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT p.id, p.account_id, p.slug, p.domain, p.published, p.settings::text, p.password_hash, p.revision, p.created_at,
      p.updated_at
    FROM public.status_pages p
    WHERE p.published AND CASE WHEN wanted_domain <> '' THEN p.domain = wanted_domain ELSE p.slug = wanted_slug END;
  PERFORM set_config('app.operator', former, true);
END $$;
-- Of a published page, with operator rights: for the functions below only.
CREATE FUNCTION status_page_shows(page bigint) RETURNS TABLE (id bigint, account_id bigint, shard smallint)
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT m.id, m.account_id, m.shard FROM public.status_pages p JOIN public.monitors m ON m.id = ANY (p.monitors)
    WHERE p.id = page AND p.published AND m.account_id = p.account_id AND m.deleted_at IS NULL
$$;
CREATE FUNCTION public_status_monitors(page bigint)
  RETURNS TABLE (id bigint, name text, interval_ms bigint, timeout_ms integer, confirm jsonb, paused boolean, created_at bigint,
                 updated_at bigint, report_token text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT m.id, m.name, m.interval_s * 1000::bigint, m.timeout_ms, m.confirm, m.paused, m.created_at, m.updated_at,
      CASE WHEN m.public_report THEN m.report_token END
    FROM public.status_page_shows(page) s JOIN public.monitors m ON m.id = s.id ORDER BY m.id;
  PERFORM set_config('app.operator', former, true);
END $$;
CREATE FUNCTION public_status_ledger(page bigint, since bigint)
  RETURNS TABLE (monitor bigint, part smallint, region smallint, from_at bigint, to_at bigint, state smallint, cause smallint, gap smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  mine bigint[];
  shards smallint[];
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  SELECT array_agg(s.id), array_agg(s.shard) INTO mine, shards FROM public.status_page_shows(page) s;
  PERFORM set_config('app.operator', former, true);
  RETURN QUERY SELECT * FROM public.ledger_rows(mine, shards, since);
END $$;
CREATE FUNCTION public_status_maintenance(page bigint, since bigint, until bigint)
  RETURNS TABLE (monitor bigint, from_at bigint, to_at bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  mine bigint[];
  accounts bigint[];
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  SELECT array_agg(s.id), array_agg(s.account_id) INTO mine, accounts FROM public.status_page_shows(page) s;
  RETURN QUERY SELECT * FROM public.maintenance_rows(mine, accounts, since, until);
  PERFORM set_config('app.operator', former, true);
END $$;
-- Times of maintenance that touch the page's monitors and overlap [since, until), soonest first.
CREATE FUNCTION public_status_windows(page bigint, since bigint, until bigint, most integer)
  RETURNS TABLE (window_id bigint, version integer, name text, from_at bigint, to_at bigint, created_at bigint, saved_at bigint,
                 monitors bigint[])
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  mine bigint[];
  owning bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  SELECT array_agg(s.id), max(s.account_id) INTO mine, owning FROM public.status_page_shows(page) s;
  RETURN QUERY SELECT x.* FROM (
      SELECT o.window_id, o.version, w.name, o.from_at, o.to_at, w.created_at, w.saved_at,
          CASE WHEN o.everything THEN mine
               ELSE (SELECT array_agg(DISTINCT t.monitor_id) FROM public.maintenance_matches t WHERE t.window_id = o.window_id
                       AND t.version = o.version AND t.monitor_id = ANY (mine) AND t.from_at < o.to_at
                       AND coalesce(t.to_at, o.to_at) > o.from_at) END AS touched
        FROM public.maintenance_occurrences o JOIN public.maintenance_windows w ON w.id = o.window_id AND w.version = o.version
        WHERE o.account_id = owning AND o.to_at > since AND o.from_at < until) x
    WHERE x.touched IS NOT NULL ORDER BY x.from_at, x.window_id, x.version LIMIT most;
  PERFORM set_config('app.operator', former, true);
END $$;
-- Incidents that overlap [since, until), newest first; with `only_monitor` that one alone, whenever it was.
CREATE FUNCTION public_status_incidents(page bigint, since bigint, until bigint, only_monitor bigint, only_version integer, most integer)
  RETURNS TABLE (monitor bigint, version integer, started_at bigint, confirmed_at bigint, ended_at bigint, cause smallint,
                 acknowledged_at bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT i.monitor_id, i.version, i.started_at, i.confirmed_at, i.ended_at, i.cause, i.acknowledged_at
    FROM public.status_page_shows(page) s JOIN public.incidents i ON i.monitor_id = s.id
    WHERE CASE WHEN only_monitor <> 0 THEN i.monitor_id = only_monitor AND i.version = only_version
               ELSE i.started_at < until AND (i.ended_at IS NULL OR i.ended_at > since) END
    ORDER BY i.started_at DESC, i.monitor_id, i.version LIMIT most;
  PERFORM set_config('app.operator', former, true);
END $$;
-- What people wrote for everybody about these incidents (pairs), oldest first. Who wrote it is not told.
CREATE FUNCTION public_status_updates(page bigint, of_monitors bigint[], of_versions integer[], most integer)
  RETURNS TABLE (monitor bigint, version integer, id bigint, at bigint, words text, stage smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT u.monitor_id, u.version, u.id, u.at, u.words, u.stage
    FROM unnest(of_monitors, of_versions) AS w(monitor, version)
    JOIN public.status_page_shows(page) s ON s.id = w.monitor
    JOIN public.incident_updates u ON u.monitor_id = w.monitor AND u.version = w.version
    WHERE u.shown ORDER BY u.at, u.id LIMIT most;
  PERFORM set_config('app.operator', former, true);
END $$;

REVOKE ALL ON status_pages FROM PUBLIC;
REVOKE ALL ON FUNCTION public_status_page(text, text), status_page_shows(bigint), public_status_monitors(bigint),
  public_status_ledger(bigint, bigint), public_status_maintenance(bigint, bigint, bigint),
  public_status_windows(bigint, bigint, bigint, integer), public_status_incidents(bigint, bigint, bigint, bigint, integer, integer),
  public_status_updates(bigint, bigint[], integer[], integer) FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON status_pages TO {{api}};
GRANT SELECT ON status_pages TO {{worker}}, {{backup}};
GRANT EXECUTE ON FUNCTION public_status_page(text, text), public_status_monitors(bigint), public_status_ledger(bigint, bigint),
  public_status_maintenance(bigint, bigint, bigint), public_status_windows(bigint, bigint, bigint, integer),
  public_status_incidents(bigint, bigint, bigint, bigint, integer, integer), public_status_updates(bigint, bigint[], integer[], integer) TO {{public}};
