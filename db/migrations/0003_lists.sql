-- Lists of an account by state, by since and by a part of a name cost what the page costs, not what the account costs.
--
-- monitor_live is what such a list looks at, one narrow row a monitor, kept by triggers: the columns of the monitor by the monitor's trigger,
-- those of its standing by the standing's, so that two writers at once never undo each other; rank and since follow from both. What depends
-- on the clock (a shard that nobody watches, a suspicion that lasts too long) is judged when it is read, from the few rows that it can be.
-- monitor_words is what `q` searches. Neither has policies: they are closed to everybody, and read by the functions below alone, which name
-- the account of the transaction.

CREATE TABLE monitor_live (
  monitor_id bigint PRIMARY KEY,
  account_id bigint NOT NULL,
  shard smallint NOT NULL,
  paused boolean NOT NULL,
  paused_since bigint NOT NULL,            -- of a paused one; else of its last revision
  fresh_ms bigint NOT NULL,                -- interval + timeout + 30 s: as long a mark is believed
  suspicion_ms bigint NOT NULL,            -- as long a suspicion is believed
  booked smallint,                         -- of the standing; null: never looked at
  booked_since bigint,
  pending_since bigint,
  rank smallint NOT NULL GENERATED ALWAYS AS (  -- down, unknown, degraded, up, maintenance, paused
    CASE WHEN paused THEN 6 WHEN booked IS NULL OR booked_since = 0 THEN 1
         ELSE CASE booked WHEN 3 THEN 0 WHEN 4 THEN 1 WHEN 2 THEN 2 WHEN 1 THEN 3 ELSE booked END END) STORED,
  since bigint NOT NULL GENERATED ALWAYS AS (
    CASE WHEN paused THEN paused_since WHEN booked IS NULL THEN 0 ELSE coalesce(booked_since, 0) END) STORED
);
CREATE INDEX monitor_live_rank ON monitor_live (account_id, rank, monitor_id);
CREATE INDEX monitor_live_since ON monitor_live (account_id, since, monitor_id);
CREATE INDEX monitor_live_shard ON monitor_live (account_id, shard);
CREATE INDEX monitor_live_pending ON monitor_live (account_id, pending_since) WHERE pending_since IS NOT NULL;

CREATE TABLE monitor_words (
  monitor_id bigint PRIMARY KEY,
  account_id bigint NOT NULL,
  words text NOT NULL COLLATE "C"          -- name, slug and target in small letters, a line each
);
CREATE INDEX monitor_words_account ON monitor_words (account_id, monitor_id);

-- Three letters and more are found by their trigrams. The extension is part of PostgreSQL's own package and trusted (its owner needs no
-- superuser); where it is missing or not allowed, a search reads the words of the account, as it does for one or two letters.
DO $$
DECLARE
  class text;
BEGIN
  CREATE SCHEMA IF NOT EXISTS everup_extensions;
  CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA everup_extensions;
  SELECT format('%I.%I', n.nspname, o.opcname) INTO class FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
    WHERE o.opcname = 'gin_trgm_ops';
  EXECUTE format('CREATE INDEX monitor_words_trigrams ON monitor_words USING gin (words %s)', class);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
  RAISE NOTICE 'without pg_trgm: %', SQLERRM;
END $$;

DO $$
DECLARE
  title text;
BEGIN
  FOREACH title IN ARRAY ARRAY['monitor_live', 'monitor_words'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', title);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', title);
    EXECUTE format('CREATE POLICY functions ON %I TO {{owner}} USING (true) WITH CHECK (true)', title);
    EXECUTE format('CREATE POLICY backup ON %I FOR SELECT TO {{backup}} USING ({{is_backup}})', title);
  END LOOP;
END $$;

-- ---- kept by triggers ------------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION monitors_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.monitor_versions (monitor_id, revision, from_at, interval_ms, timeout_ms, patience, paused, target_digest)
    SELECT id, revision, revised_at, interval_s * 1000, timeout_ms, confirm, paused, sha256(convert_to(target, 'UTF8')) FROM changed
    ON CONFLICT (monitor_id, revision) DO NOTHING;
  INSERT INTO public.monitor_changes (monitor_id, shard, at) SELECT id, shard, updated_at FROM changed ORDER BY id;
  DELETE FROM public.monitor_live l USING changed c WHERE l.monitor_id = c.id AND c.deleted_at IS NOT NULL;
  DELETE FROM public.monitor_words w USING changed c WHERE w.monitor_id = c.id AND c.deleted_at IS NOT NULL;
  INSERT INTO public.monitor_live AS l (monitor_id, account_id, shard, paused, paused_since, fresh_ms, suspicion_ms)
    SELECT id, account_id, shard, paused, revised_at, interval_s * 1000::bigint + timeout_ms + 30000,
           greatest(suspicion_ms, interval_s * 1000::bigint + timeout_ms + 30000) FROM changed WHERE deleted_at IS NULL
    ON CONFLICT (monitor_id) DO UPDATE SET paused = excluded.paused,
      paused_since = CASE WHEN l.paused AND excluded.paused THEN l.paused_since ELSE excluded.paused_since END, fresh_ms = excluded.fresh_ms, suspicion_ms = excluded.suspicion_ms;
  INSERT INTO public.monitor_words AS w (monitor_id, account_id, words)
    SELECT id, account_id, lower(name) || E'\n' || slug || E'\n' || lower(target) FROM changed WHERE deleted_at IS NULL
    ON CONFLICT (monitor_id) DO UPDATE SET words = excluded.words WHERE w.words <> excluded.words;
  PERFORM pg_notify('everup_monitors', '');
  RETURN NULL;
END $$;
CREATE FUNCTION monitors_removed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM public.monitor_live l USING removed r WHERE l.monitor_id = r.id;
  DELETE FROM public.monitor_words w USING removed r WHERE w.monitor_id = r.id;
  RETURN NULL;
END $$;
CREATE TRIGGER monitors_removed AFTER DELETE ON monitors REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION monitors_removed();

CREATE FUNCTION standings_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE public.monitor_live l SET booked = c.booked, booked_since = c.booked_since, pending_since = c.pending_since
    FROM changed c WHERE l.monitor_id = c.monitor_id AND c.region = 1::smallint
      AND (l.booked, l.booked_since, l.pending_since) IS DISTINCT FROM (c.booked, c.booked_since, c.pending_since);
  RETURN NULL;
END $$;
CREATE TRIGGER standings_inserted AFTER INSERT ON standings REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION standings_changed();
CREATE TRIGGER standings_updated AFTER UPDATE ON standings REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION standings_changed();

INSERT INTO monitor_live (monitor_id, account_id, shard, paused, paused_since, fresh_ms, suspicion_ms, booked, booked_since, pending_since)
  SELECT m.id, m.account_id, m.shard, m.paused, m.revised_at, m.interval_s * 1000::bigint + m.timeout_ms + 30000,
         greatest(m.suspicion_ms, m.interval_s * 1000::bigint + m.timeout_ms + 30000), s.booked, s.booked_since, s.pending_since
  FROM monitors m LEFT JOIN standings s ON s.monitor_id = m.id AND s.region = 1::smallint WHERE m.deleted_at IS NULL;
INSERT INTO monitor_words (monitor_id, account_id, words)
  SELECT id, account_id, lower(name) || E'\n' || slug || E'\n' || lower(target) FROM monitors WHERE deleted_at IS NULL;

-- ---- what lists read -------------------------------------------------------------------------------------------------------------------
-- A mark younger than the shortest patience (1 s + 100 ms + 30 s) makes nobody unknown: the monitors of those shards are not looked at.
-- marks[shard + 1]: how far the shard is observed; 0: never.
CREATE FUNCTION marks_of_shards(OUT marks bigint[], OUT old_shards smallint[], at bigint)
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT array_agg(coalesce(k.observed_through, 0) ORDER BY n.shard),
         array_agg(n.shard::smallint) FILTER (WHERE coalesce(k.observed_through, 0) < at - 31100)
  FROM generate_series(0, 255) AS n(shard) LEFT JOIN public.shard_marks k ON k.region = 1::smallint AND k.shard = n.shard
$$;
-- The account's monitors that the clock makes unknown, and since when: the mark of its shard is too old, or its suspicion is. (One that was
-- never looked at is unknown anyway, since no instant.)
CREATE FUNCTION stale_monitors(mine bigint, at bigint, marks bigint[], old_shards smallint[]) RETURNS TABLE (id bigint, since bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF old_shards IS NOT NULL THEN
    RETURN QUERY SELECT l.monitor_id, marks[l.shard + 1] FROM public.monitor_live l
      WHERE l.account_id = mine AND l.shard = ANY (old_shards) AND NOT l.paused AND l.booked IS NOT NULL
        AND marks[l.shard + 1] < at - l.fresh_ms;
  END IF;
  RETURN QUERY SELECT l.monitor_id, l.pending_since FROM public.monitor_live l
    WHERE l.account_id = mine AND l.pending_since < at - 31100 AND l.pending_since < at - l.suspicion_ms AND NOT l.paused
      AND l.booked IS NOT NULL AND marks[l.shard + 1] >= at - l.fresh_ms;
END $$;

-- A page of the account of this transaction, after (after_key, after_id), by state or by since.
CREATE FUNCTION account_list(by_since boolean, at bigint, after_key bigint, after_id bigint, most integer)
  RETURNS TABLE (id bigint, key bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := nullif(current_setting('app.account', true), '')::bigint;
  m record;
BEGIN
  SELECT * INTO m FROM public.marks_of_shards(at);
  IF by_since THEN
    RETURN QUERY SELECT x.id, x.key FROM (
        (SELECT l.monitor_id AS id, l.since AS key FROM public.monitor_live l
           WHERE l.account_id = mine AND (l.since, l.monitor_id) > (after_key, after_id)
             AND (l.paused OR l.booked IS NULL OR (m.marks[l.shard + 1] >= at - l.fresh_ms AND coalesce(l.pending_since >= at - l.suspicion_ms, true)))
           ORDER BY l.since, l.monitor_id LIMIT most)
        UNION ALL
        (SELECT s.id, s.since FROM public.stale_monitors(mine, at, m.marks, m.old_shards) s
           WHERE (s.since, s.id) > (after_key, after_id) ORDER BY s.since, s.id LIMIT most)) x
      ORDER BY x.key, x.id LIMIT most;
  ELSE
    RETURN QUERY SELECT x.id, x.key FROM (
        (SELECT l.monitor_id AS id, l.rank::bigint AS key FROM public.monitor_live l
           WHERE l.account_id = mine AND (l.rank, l.monitor_id) > (after_key, after_id)
             AND (l.paused OR l.booked IS NULL OR (m.marks[l.shard + 1] >= at - l.fresh_ms AND coalesce(l.pending_since >= at - l.suspicion_ms, true)))
           ORDER BY l.rank, l.monitor_id LIMIT most)
        UNION ALL
        (SELECT s.id, 1::bigint FROM public.stale_monitors(mine, at, m.marks, m.old_shards) s
           WHERE (1::bigint, s.id) > (after_key, after_id) ORDER BY s.id LIMIT most)) x
      ORDER BY x.key, x.id LIMIT most;
  END IF;
END $$;
-- Those of its monitors that are unknown, by id.
CREATE FUNCTION account_unknown(at bigint, after_id bigint, most integer)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := nullif(current_setting('app.account', true), '')::bigint;
  m record;
BEGIN
  SELECT * INTO m FROM public.marks_of_shards(at);
  RETURN QUERY SELECT x.id FROM (
      (SELECT l.monitor_id AS id FROM public.monitor_live l WHERE l.account_id = mine AND l.rank = 1 AND l.monitor_id > after_id
         ORDER BY l.monitor_id LIMIT most)
      UNION
      (SELECT s.id FROM public.stale_monitors(mine, at, m.marks, m.old_shards) s WHERE s.id > after_id ORDER BY s.id LIMIT most)) x
    ORDER BY x.id LIMIT most;
END $$;
-- Those whose name, slug or target fits `pattern` (LIKE, small letters), by id. Planned for each pattern: one that fits everything walks the
-- account in order, a rare one asks the trigrams.
CREATE FUNCTION account_search(pattern text, after_id bigint, most integer)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY EXECUTE 'SELECT w.monitor_id FROM public.monitor_words w WHERE w.account_id = $1 AND w.monitor_id > $2 AND w.words LIKE $3 '
    'ORDER BY w.monitor_id LIMIT $4'
    USING nullif(current_setting('app.account', true), '')::bigint, after_id, lower(pattern), most;
END $$;

REVOKE ALL ON monitor_live, monitor_words FROM PUBLIC;
REVOKE ALL ON FUNCTION monitors_removed(), standings_changed(), marks_of_shards(bigint), stale_monitors(bigint, bigint, bigint[], smallint[]),
  account_list(boolean, bigint, bigint, bigint, integer), account_unknown(bigint, bigint, integer),
  account_search(text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_list(boolean, bigint, bigint, bigint, integer), account_unknown(bigint, bigint, integer),
  account_search(text, bigint, integer) TO {{api}};
GRANT SELECT ON monitor_live, monitor_words TO {{backup}};
