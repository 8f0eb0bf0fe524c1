-- Who may see what (RULES C 2–3). Run as the owner; {{owner}}, {{worker}}, {{api}}, {{public}}, {{backup}} are the roles' names, and
-- {{is_worker}}, {{is_backup}} conditions that hold for them (true where the roles are apart; app.role where one login is everything).
--
-- Account-scoped tables: FORCE ROW LEVEL SECURITY, so even the owner obeys the account's policy; that is what makes the owner-rights
-- views below safe. app.operator opens them to the owner: migrations, the operator's own commands, and functions that look up a token.
-- Monitor-scoped bulk tables have no policies (COPY and policies exclude each other) and are closed to the api and public roles.

-- ---- policies ---------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION current_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.account', true), '')::bigint $$;
COMMENT ON FUNCTION current_account() IS 'the account of this transaction; null: none, and no row is visible';

DO $$
DECLARE
  scoped record;
BEGIN
  FOR scoped IN SELECT * FROM (VALUES ('accounts', 'id'), ('memberships', 'account_id'), ('api_keys', 'account_id'),
                                      ('monitors', 'account_id'), ('idempotency_keys', 'account_id')) AS t(name, key) LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', scoped.name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', scoped.name);
    EXECUTE format('CREATE POLICY account ON %I USING (%I = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint)) '
                   'WITH CHECK (%I = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint))',
                   scoped.name, scoped.key, scoped.key);
    EXECUTE format('CREATE POLICY operator ON %I TO {{owner}} USING ((SELECT current_setting(''app.operator'', true)) = ''on'') '
                   'WITH CHECK ((SELECT current_setting(''app.operator'', true)) = ''on'')', scoped.name);
    EXECUTE format('CREATE POLICY worker ON %I TO {{worker}} USING ({{is_worker}}) WITH CHECK ({{is_worker}})', scoped.name);
    EXECUTE format('CREATE POLICY backup ON %I FOR SELECT TO {{backup}} USING ({{is_backup}})', scoped.name);
  END LOOP;
END $$;
DROP FUNCTION current_account();

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY members ON users FOR SELECT USING (EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id));
CREATE POLICY operator ON users TO {{owner}} USING ((SELECT current_setting('app.operator', true)) = 'on')
  WITH CHECK ((SELECT current_setting('app.operator', true)) = 'on');
CREATE POLICY worker ON users TO {{worker}} USING ({{is_worker}}) WITH CHECK ({{is_worker}});
CREATE POLICY backup ON users FOR SELECT TO {{backup}} USING ({{is_backup}});

CREATE INDEX monitors_name ON monitors (account_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX monitors_created ON monitors (account_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX monitors_deleted ON monitors (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX memberships_user ON memberships (user_id);
CREATE INDEX api_keys_account ON api_keys (account_id, id);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- ---- a monitor, its versions and its change feed move together -------------------------------------------------------------------------
CREATE FUNCTION monitors_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.monitor_versions (monitor_id, revision, from_at, interval_ms, timeout_ms, patience, paused, target_digest)
    SELECT id, revision, revised_at, interval_s * 1000, timeout_ms, confirm, paused, sha256(convert_to(target, 'UTF8')) FROM changed
    ON CONFLICT (monitor_id, revision) DO NOTHING;
  INSERT INTO public.monitor_changes (monitor_id, shard, at) SELECT id, shard, updated_at FROM changed ORDER BY id;
  PERFORM pg_notify('everup_monitors', '');
  RETURN NULL;
END $$;
CREATE TRIGGER monitors_inserted AFTER INSERT ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION monitors_changed();
CREATE TRIGGER monitors_updated AFTER UPDATE ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION monitors_changed();

-- ---- partitions (RULES A 6) ----------------------------------------------------------------------------------------------------------------
-- Makes the day of results and the 30 days of evidence that `slot_at` falls into; answers how many tables it made. LIKE + CHECK + ATTACH:
-- no lock that an INSERT would wait for.
CREATE FUNCTION ensure_partition(slot_at bigint) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  part record;
  first bigint;
  title text;
  made integer := 0;
BEGIN
  IF slot_at IS NULL OR slot_at < 0 OR slot_at >= 4102444800000 THEN
    RAISE EXCEPTION 'ensure_partition: % is not between 1970 and 2100', slot_at USING ERRCODE = '22023';
  END IF;
  FOR part IN SELECT * FROM (VALUES ('results', 86400000::bigint), ('evidence', 30 * 86400000::bigint)) AS t(parent, width) LOOP
    first := slot_at / part.width * part.width;
    title := part.parent || '_' || to_char(to_timestamp(first / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD');
    CONTINUE WHEN to_regclass('public.' || title) IS NOT NULL;
    PERFORM pg_advisory_xact_lock(hashtextextended('everup.ensure_partition', 0));
    CONTINUE WHEN to_regclass('public.' || title) IS NOT NULL;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL, '
                   'CHECK (slot_at IS NOT NULL AND slot_at >= %s AND slot_at < %s))',
                   title, part.parent, first, first + part.width);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
                   part.parent, title, first, first + part.width);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;

-- ---- what an account may read of the bulk tables ------------------------------------------------------------------------------------------
-- Owner-rights and security_barrier: the owner obeys the policies on monitors (FORCE), so only monitors of app.account let rows through.
CREATE VIEW account_results WITH (security_barrier) AS
  SELECT r.* FROM results r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_evidence WITH (security_barrier) AS
  SELECT r.* FROM evidence r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_spans WITH (security_barrier) AS
  SELECT r.* FROM spans r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_flips WITH (security_barrier) AS
  SELECT r.* FROM flips r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_standings WITH (security_barrier) AS
  SELECT r.* FROM standings r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_versions WITH (security_barrier) AS
  SELECT r.* FROM monitor_versions r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_corrections WITH (security_barrier) AS
  SELECT r.* FROM corrections r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
-- A shard's gap tells nothing about anybody's monitor.
CREATE VIEW account_gaps WITH (security_barrier) AS
  SELECT r.* FROM gaps r WHERE r.monitor_id = 0
  UNION ALL  -- not OR: that would read all monitors of the account for each look at the gaps
  SELECT r.* FROM gaps r
  WHERE r.monitor_id <> 0 AND EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);
CREATE VIEW account_commands WITH (security_barrier, check_option = cascaded) AS
  SELECT r.* FROM commands r WHERE EXISTS (SELECT 1 FROM monitors m WHERE m.id = r.monitor_id AND m.deleted_at IS NULL);

-- What lists filter and sort by, with the standing beside it: one look at the policy for both.
CREATE VIEW account_monitors WITH (security_barrier) AS
  SELECT m.id, m.account_id, m.name, m.slug, m.target, m.tags, m.kind, m.paused, m.interval_s, m.timeout_ms, m.suspicion_ms, m.revised_at,
    m.created_at, s.booked, s.booked_since, s.pending_since, k.observed_through
  FROM monitors m
  LEFT JOIN standings s ON s.monitor_id = m.id AND s.region = 1::smallint
  LEFT JOIN shard_marks k ON k.region = 1::smallint AND k.shard = m.shard
  WHERE m.deleted_at IS NULL;

-- ---- reads that a barrier view would answer by looking at every monitor of the account, or at every day of results -----------------------
-- The same policies hold: what an account may call runs as the owner, who sees only the monitors of app.account. Helpers without a check of
-- their own (newest_results, ledger_rows) are granted to nobody.

-- Looks of the local region, newest first; `ran`: without missed slots. First among the days around the shard's mark, where they nearly
-- always are, and only then in the others: 100 days are 100 tables to plan for.
CREATE FUNCTION newest_results(monitor bigint, shard_number smallint, since bigint, until bigint, before_slot bigint, before_look integer,
                               ran boolean, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mark bigint;
  recent bigint;
  found_rows integer;
BEGIN
  SELECT k.observed_through INTO mark FROM public.shard_marks k WHERE k.region = 1::smallint AND k.shard = shard_number;
  recent := greatest(since, least(coalesce(mark, 0), before_slot, until) - 172800000);
  RETURN QUERY SELECT r.* FROM public.results r
    WHERE r.monitor_id = monitor AND r.region = 1::smallint AND r.slot_at >= recent AND r.slot_at < until AND r.slot_at <= before_slot
      AND (r.slot_at < before_slot OR r.look < before_look) AND (NOT ran OR r.verdict <> 0)
    ORDER BY r.slot_at DESC, r.look DESC LIMIT most;
  GET DIAGNOSTICS found_rows = ROW_COUNT;
  IF found_rows < most AND since < recent THEN
    RETURN QUERY SELECT r.* FROM public.results r
      WHERE r.monitor_id = monitor AND r.region = 1::smallint AND r.slot_at >= since AND r.slot_at < recent AND (NOT ran OR r.verdict <> 0)
      ORDER BY r.slot_at DESC, r.look DESC LIMIT most - found_rows;
  END IF;
END $$;
CREATE FUNCTION account_results_page(monitor bigint, since bigint, until bigint, before_slot bigint, before_look integer, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  shard_number smallint;
BEGIN
  SELECT m.shard INTO shard_number FROM public.monitors m WHERE m.id = monitor AND m.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT * FROM public.newest_results(monitor, shard_number, since, until, before_slot, before_look, false, most);
END $$;
-- The last look that ran, of each monitor, in [since, until).
CREATE FUNCTION account_last_results(monitor_ids bigint[], since bigint, until bigint)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT r.* FROM public.monitors m
    CROSS JOIN LATERAL (SELECT x.* FROM public.results x
                        WHERE x.monitor_id = m.id AND x.region = 1::smallint AND x.slot_at >= since AND x.slot_at < until AND x.verdict <> 0
                        ORDER BY x.slot_at DESC, x.look DESC LIMIT 1) r
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
END $$;
-- All that a window of the ledger needs, in one answer. `part`: 1 span that ends after `since` or is open, 2 start of the first span ever,
-- 3 standing (from_at: pending_since, to_at: booked_since, state: booked), 4 shard mark (from_at), 5 version (state: 1 paused) in order,
-- 6 blind gap that ends after `since`.
CREATE FUNCTION ledger_rows(monitors bigint[], shards smallint[], since bigint)
  RETURNS TABLE (monitor bigint, part smallint, region smallint, from_at bigint, to_at bigint, state smallint, cause smallint, gap smallint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT s.monitor_id, 1::smallint, s.region, s.from_at, s.to_at, s.state, s.cause, s.gap FROM public.spans s
    WHERE s.monitor_id = ANY (monitors) AND (s.to_at IS NULL OR s.to_at > since) ORDER BY s.monitor_id, s.region, s.from_at;
  RETURN QUERY SELECT s.monitor_id, 2::smallint, 0::smallint, min(s.from_at), NULL::bigint, 0::smallint, 0::smallint, 0::smallint
    FROM public.spans s WHERE s.monitor_id = ANY (monitors) GROUP BY s.monitor_id;
  RETURN QUERY SELECT s.monitor_id, 3::smallint, s.region, s.pending_since, s.booked_since, s.booked, 0::smallint, 0::smallint
    FROM public.standings s WHERE s.monitor_id = ANY (monitors) ORDER BY s.monitor_id, s.region;
  RETURN QUERY SELECT u.id, 4::smallint, k.region, k.observed_through, NULL::bigint, 0::smallint, 0::smallint, 0::smallint
    FROM unnest(monitors, shards) AS u(id, shard) JOIN public.shard_marks k ON k.shard = u.shard;
  RETURN QUERY SELECT v.monitor_id, 5::smallint, 0::smallint, v.from_at, NULL::bigint, v.paused::integer::smallint, 0::smallint, 0::smallint
    FROM public.monitor_versions v WHERE v.monitor_id = ANY (monitors) ORDER BY v.monitor_id, v.revision;
  RETURN QUERY SELECT b.id, 6::smallint, b.region, b.from_at, b.to_at, 0::smallint, 0::smallint, b.reason FROM (
      SELECT g.monitor_id AS id, g.region, g.from_at, g.to_at, g.reason FROM public.gaps g
        WHERE g.monitor_id = ANY (monitors) AND g.monitor_id <> 0 AND g.blind AND g.to_at > since
      UNION ALL
      SELECT u.id, g.region, g.from_at, g.to_at, g.reason FROM unnest(monitors, shards) AS u(id, shard)
        JOIN public.gaps g ON g.monitor_id = 0 AND g.shard = u.shard AND g.blind AND g.to_at > since) b
    ORDER BY b.id, b.from_at;
END $$;
CREATE FUNCTION account_ledger(monitor_ids bigint[], since bigint)
  RETURNS TABLE (monitor bigint, part smallint, region smallint, from_at bigint, to_at bigint, state smallint, cause smallint, gap smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint[];
  shards smallint[];
BEGIN
  SELECT array_agg(m.id), array_agg(m.shard) INTO mine, shards FROM public.monitors m WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
  RETURN QUERY SELECT * FROM public.ledger_rows(mine, shards, since);
END $$;
-- Standing, shard mark and the start of the present pause of each monitor.
CREATE FUNCTION account_live(monitor_ids bigint[])
  RETURNS TABLE (monitor_id bigint, booked smallint, booked_since bigint, pending_since bigint, observed_through bigint, paused_since bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT m.id, s.booked, s.booked_since, s.pending_since, k.observed_through,
      CASE WHEN m.paused THEN (SELECT min(v.from_at) FROM public.monitor_versions v WHERE v.monitor_id = m.id AND v.revision >
          coalesce((SELECT max(w.revision) FROM public.monitor_versions w WHERE w.monitor_id = m.id AND NOT w.paused), 0)) END
    FROM public.monitors m
    LEFT JOIN public.standings s ON s.monitor_id = m.id AND s.region = 1::smallint
    LEFT JOIN public.shard_marks k ON k.region = 1::smallint AND k.shard = m.shard
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
END $$;

-- The two functions that look up a secret see every account while they do; the setting is put back before anything else runs.
-- (A SET clause on the function would be shorter; PostgreSQL lets only superusers name a setting of ours there.)
-- An API key is found before its account is known.
CREATE FUNCTION find_api_key(hash bytea, at bigint, OUT account bigint, OUT key bigint, OUT key_scope text)
  RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  used bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  SELECT k.account_id, k.id, k.scope, k.last_used_at INTO account, key, key_scope, used FROM public.api_keys k
    WHERE k.secret_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > at);
  IF FOUND THEN
    IF used IS NULL OR used < at - 60000 THEN
      UPDATE public.api_keys SET last_used_at = at WHERE id = key AND (last_used_at IS NULL OR last_used_at < at - 60000);
    END IF;
    RETURN NEXT;
  END IF;
  PERFORM set_config('app.operator', former, true);
END $$;

-- ---- what a token opens (public role): the monitor of a badge or a report, and nothing without a token -----------------------------------
CREATE FUNCTION public_monitor(link text, token text)
  RETURNS TABLE (id bigint, account_id bigint, name text, target text, interval_s integer, timeout_ms integer, confirm jsonb, timezone text,
                 public_badge boolean, public_report boolean, show_target boolean, badge_token text, report_token text,
                 created_at bigint, paused boolean, shard smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  IF link NOT IN ('badge', 'report') OR length(token) < 16 THEN RETURN; END IF;
  PERFORM set_config('app.operator', 'on', true);
  IF link = 'badge' THEN
    RETURN QUERY SELECT m.id, m.account_id, m.name, m.target, m.interval_s, m.timeout_ms, m.confirm, m.timezone, m.public_badge, m.public_report,
        m.show_target, m.badge_token, CASE WHEN m.public_report THEN m.report_token END, m.created_at, m.paused, m.shard
      FROM public.monitors m WHERE m.badge_token = token AND m.public_badge AND m.deleted_at IS NULL;
  ELSE
    RETURN QUERY SELECT m.id, m.account_id, m.name, m.target, m.interval_s, m.timeout_ms, m.confirm, m.timezone, m.public_badge, m.public_report,
        m.show_target, m.badge_token, m.report_token, m.created_at, m.paused, m.shard
      FROM public.monitors m WHERE m.report_token = token AND m.public_report AND m.deleted_at IS NULL;
  END IF;
  PERFORM set_config('app.operator', former, true);
END $$;
-- ledger_rows() of that monitor, and as part 7 when it was last looked at.
CREATE FUNCTION public_ledger(link text, token text, since bigint)
  RETURNS TABLE (monitor bigint, part smallint, region smallint, from_at bigint, to_at bigint, state smallint, cause smallint, gap smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
  shard_number smallint;
BEGIN
  SELECT m.id, m.shard INTO mine, shard_number FROM public.public_monitor(link, token) m;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT * FROM public.ledger_rows(ARRAY[mine], ARRAY[shard_number], since);
  RETURN QUERY SELECT mine, 7::smallint, r.region, r.slot_at + r.start_ms, NULL::bigint, 0::smallint, 0::smallint, 0::smallint
    FROM public.newest_results(mine, shard_number, 0, 9223372036854775807, 9223372036854775807, 0, true, 1) r;
END $$;
CREATE FUNCTION public_latencies(link text, token text, since bigint, until bigint, most integer)
  RETURNS TABLE (at bigint, total_us integer, verdict smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
BEGIN
  SELECT m.id INTO mine FROM public.public_monitor(link, token) m;
  RETURN QUERY SELECT r.slot_at + r.start_ms, r.total_us, r.verdict FROM public.results r
    WHERE r.monitor_id = mine AND r.region = 1::smallint AND r.slot_at >= since AND r.slot_at < until AND r.verdict <> 0
    ORDER BY r.slot_at, r.look LIMIT most;
END $$;

-- ---- rights ---------------------------------------------------------------------------------------------------------------------------------
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {{worker}}, {{api}}, {{public}}, {{backup}};
GRANT SELECT ON schema_migrations TO {{worker}}, {{api}}, {{public}}, {{backup}};

GRANT SELECT, INSERT, UPDATE, DELETE ON
  monitor_versions, standings, spans, flips, results, evidence, late_observations, corrections, commands,
  nodes, leases, shard_marks, gaps, recorder_streams, monitor_changes, storage_mark TO {{worker}};
GRANT SELECT, DELETE ON monitors, idempotency_keys TO {{worker}};
GRANT SELECT ON accounts, users, memberships TO {{worker}};
GRANT EXECUTE ON FUNCTION ensure_partition(bigint) TO {{worker}};

GRANT SELECT, UPDATE ON accounts TO {{api}};
GRANT SELECT ON users, memberships TO {{api}};
GRANT SELECT, INSERT, UPDATE ON api_keys, monitors TO {{api}};
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO {{api}};
GRANT SELECT ON account_results, account_evidence, account_spans, account_flips, account_standings, account_versions,
  account_corrections, account_gaps, account_monitors TO {{api}};
GRANT SELECT, INSERT ON account_commands TO {{api}};
GRANT SELECT ON shard_marks TO {{api}};
GRANT SELECT, INSERT, UPDATE ON nodes TO {{api}};
GRANT EXECUTE ON FUNCTION find_api_key(bytea, bigint), account_results_page(bigint, bigint, bigint, bigint, integer, integer),
  account_last_results(bigint[], bigint, bigint), account_live(bigint[]), account_ledger(bigint[], bigint) TO {{api}};

GRANT SELECT ON shard_marks TO {{public}};
GRANT EXECUTE ON FUNCTION public_monitor(text, text), public_ledger(text, text, bigint),
  public_latencies(text, text, bigint, bigint, integer) TO {{public}};

GRANT SELECT ON ALL TABLES IN SCHEMA public TO {{backup}};
