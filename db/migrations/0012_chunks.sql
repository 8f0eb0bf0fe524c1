-- Cold storage (RULES A 7, C 6; docs/decisions/0010). A closed hour of one monitor in one region becomes one row of result_chunks, encoded by
-- core/chunk.h; when a whole day is packed, its latencies become one row of latency_days. Both are written by the keeper and by nobody else.
--
-- Three marks, each only ever moved on by the keeper:
--   sealed_through   no row of an earlier slot enters `results` any more: recorders read it FOR SHARE and put such rows into results_late
--   packed_through   earlier hours are read from chunks; rows of `results` that are older are dead and leave with their partition
--   tallied_through  earlier days have their rows in latency_days
ALTER TABLE storage_mark
  ADD COLUMN sealed_through bigint NOT NULL DEFAULT 0,
  ADD COLUMN tallied_through bigint NOT NULL DEFAULT 0,
  ADD CHECK (tallied_through <= packed_through AND packed_through <= sealed_through);

-- How far the hour or day in work has come; apart from the marks, which recorders must never wait for. A step's transaction moves it from
-- where it found it, so whatever is done twice fails the second time.
CREATE TABLE storage_steps (
  step text PRIMARY KEY CHECK (step IN ('pack', 'tally')),
  at bigint NOT NULL DEFAULT 0,            -- the hour, the day
  after_monitor bigint NOT NULL DEFAULT -1 -- done up to and with this monitor
);
INSERT INTO storage_steps (step) VALUES ('pack'), ('tally');

CREATE TABLE result_chunks (
  monitor_id bigint NOT NULL,
  hour_at bigint NOT NULL,
  last_ran_at bigint,                      -- when its newest look that ran started; null: all were missed
  row_count integer NOT NULL,
  region smallint NOT NULL,
  class smallint NOT NULL,                 -- how long it is kept: 30, 90, 400 days; 0: as long as the service's setting says
  codec smallint NOT NULL,
  last_verdict smallint NOT NULL,          -- of its newest look that was up, degraded or down; 0: there was none
  runs bigint[],                           -- slot and start of each look that begins a run of failing ones; the first one is marked by leads
  leads boolean NOT NULL,                  -- nothing conclusive stands before the first run: the chunk before tells whether it began there
  body bytea NOT NULL
) PARTITION BY LIST (class);
ALTER TABLE result_chunks ALTER COLUMN body SET STORAGE EXTERNAL;  -- there is nothing left to compress
CREATE UNIQUE INDEX result_chunks_key ON result_chunks (monitor_id, region, hour_at, class);
CREATE INDEX result_chunks_runs ON result_chunks (monitor_id, region, hour_at) WHERE runs IS NOT NULL;

CREATE TABLE results_late (LIKE results);  -- rows of sealed hours, until the keeper has merged them into their chunks
ALTER TABLE results_late ADD CHECK (slot_at >= 0 AND slot_at < 4102444800000);  -- as ensure_partition(): others are poison
CREATE UNIQUE INDEX results_late_key ON results_late (monitor_id, region, slot_at, look);

CREATE TABLE latency_days (                -- partitioned by 30 days; core/latency_day.h
  monitor_id bigint NOT NULL,
  day_at bigint NOT NULL,
  region smallint NOT NULL,
  day bytea NOT NULL,                      -- the whole day
  hours bytea NOT NULL                     -- each of its hours
) PARTITION BY RANGE (day_at);
ALTER TABLE latency_days ALTER COLUMN day SET STORAGE EXTERNAL, ALTER COLUMN hours SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX latency_days_key ON latency_days (monitor_id, region, day_at);

-- ---- partitions: (class, day) of chunks, 30 days of latencies; made like those of results ---------------------------------------------------
DO $$
DECLARE
  class integer;
BEGIN
  FOREACH class IN ARRAY ARRAY[0, 30, 90, 400] LOOP
    EXECUTE format('CREATE TABLE result_chunks_%s PARTITION OF result_chunks FOR VALUES IN (%s) PARTITION BY RANGE (hour_at)', class, class);
  END LOOP;
END $$;
CREATE FUNCTION ensure_range(parent text, key text, first bigint, width bigint) RETURNS integer LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  title text := parent || '_' || to_char(to_timestamp(first / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD');
BEGIN
  IF to_regclass('public.' || title) IS NOT NULL THEN RETURN 0; END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL, CHECK (%I IS NOT NULL AND %I >= %s AND %I < %s))',
                 title, parent, key, key, first, key, first + width);
  EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)', parent, title, first, first + width);
  RETURN 1;
END $$;
CREATE FUNCTION ensure_chunks(class integer, hour_at bigint) RETURNS integer LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT public.ensure_range('result_chunks_' || class, 'hour_at', hour_at / 86400000 * 86400000, 86400000) $$;
CREATE FUNCTION ensure_latencies(day_at bigint) RETURNS integer LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT public.ensure_range('latency_days', 'day_at', day_at / 2592000000 * 2592000000, 2592000000) $$;

-- ---- what is still a row: hot ones of hours that are not packed, and late ones that were not merged yet -------------------------------------
-- A late row counts where no hot one has its key; where a chunk has it, the reader drops it.
CREATE OR REPLACE FUNCTION newest_results(monitor bigint, shard_number smallint, since bigint, until bigint, before_slot bigint,
                                          before_look integer, ran boolean, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  packed bigint := (SELECT s.packed_through FROM public.storage_mark s);
  mark bigint;
  hot bigint := greatest(since, packed);
  recent bigint;
  found_rows integer;
BEGIN
  SELECT k.observed_through INTO mark FROM public.shard_marks k WHERE k.region = 1::smallint AND k.shard = shard_number;
  recent := greatest(hot, least(coalesce(mark, 0), before_slot, until) - 172800000);
  RETURN QUERY SELECT r.* FROM public.results r
    WHERE r.monitor_id = monitor AND r.region = 1::smallint AND r.slot_at >= recent AND r.slot_at < until AND r.slot_at <= before_slot
      AND (r.slot_at < before_slot OR r.look < before_look) AND (NOT ran OR r.verdict <> 0)
    ORDER BY r.slot_at DESC, r.look DESC LIMIT most;
  GET DIAGNOSTICS found_rows = ROW_COUNT;
  IF found_rows < most AND hot < recent THEN
    RETURN QUERY SELECT r.* FROM public.results r
      WHERE r.monitor_id = monitor AND r.region = 1::smallint AND r.slot_at >= hot AND r.slot_at < recent AND (NOT ran OR r.verdict <> 0)
      ORDER BY r.slot_at DESC, r.look DESC LIMIT most - found_rows;
  END IF;
  RETURN QUERY SELECT l.* FROM public.results_late l
    WHERE l.monitor_id = monitor AND l.region = 1::smallint AND l.slot_at >= since AND l.slot_at < until AND l.slot_at <= before_slot
      AND (l.slot_at < before_slot OR l.look < before_look) AND (NOT ran OR l.verdict <> 0)
      AND NOT EXISTS (SELECT 1 FROM public.results r WHERE r.monitor_id = l.monitor_id AND r.region = l.region AND r.slot_at = l.slot_at
                        AND r.look = l.look AND r.slot_at >= packed)
    ORDER BY l.slot_at DESC, l.look DESC LIMIT most;
END $$;
-- Looks and missed slots of one monitor and region with slots in [since, until), oldest first; granted to the worker alone.
CREATE FUNCTION row_results(monitor bigint, wanted smallint, since bigint, until bigint, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  packed bigint := (SELECT s.packed_through FROM public.storage_mark s);
BEGIN
  RETURN QUERY SELECT r.* FROM public.results r
    WHERE r.monitor_id = monitor AND r.region = wanted AND r.slot_at >= greatest(since, packed) AND r.slot_at < until
    ORDER BY r.slot_at, r.look LIMIT most;
  RETURN QUERY SELECT l.* FROM public.results_late l
    WHERE l.monitor_id = monitor AND l.region = wanted AND l.slot_at >= since AND l.slot_at < until
      AND NOT EXISTS (SELECT 1 FROM public.results r WHERE r.monitor_id = l.monitor_id AND r.region = l.region AND r.slot_at = l.slot_at
                        AND r.look = l.look AND r.slot_at >= packed)
    ORDER BY l.slot_at, l.look LIMIT most;
END $$;
CREATE FUNCTION account_row_results(monitor bigint, since bigint, until bigint, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM public.monitors m WHERE m.id = monitor AND m.deleted_at IS NULL) THEN
    RETURN QUERY SELECT * FROM public.row_results(monitor, 1::smallint, since, until, most);
  END IF;
END $$;
CREATE FUNCTION public_row_results(link text, token text, since bigint, until bigint, most integer)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := (SELECT m.id FROM public.public_monitor(link, token) m);
BEGIN
  RETURN QUERY SELECT * FROM public.row_results(mine, 1::smallint, since, until, most);
END $$;

-- ---- chunks and latencies of whom the caller may see ------------------------------------------------------------------------------------------
-- Packed hours that overlap [since, until), newest first.
CREATE FUNCTION chunks_of(monitor bigint, wanted smallint, since bigint, until bigint, most integer)
  RETURNS TABLE (hour_at bigint, codec smallint, row_count integer, body bytea)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  first bigint := since / 3600000 * 3600000;
  limit_at bigint := least(until, (SELECT s.packed_through FROM public.storage_mark s));
BEGIN
  RETURN QUERY SELECT c.hour_at, c.codec, c.row_count, c.body FROM public.result_chunks c
    WHERE c.monitor_id = monitor AND c.region = wanted AND c.hour_at >= first AND c.hour_at < limit_at ORDER BY c.hour_at DESC LIMIT most;
END $$;
CREATE FUNCTION account_chunks(monitor bigint, since bigint, until bigint, most integer)
  RETURNS TABLE (hour_at bigint, codec smallint, row_count integer, body bytea)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM public.monitors m WHERE m.id = monitor AND m.deleted_at IS NULL) THEN
    RETURN QUERY SELECT * FROM public.chunks_of(monitor, 1::smallint, since, until, most);
  END IF;
END $$;
CREATE FUNCTION public_chunks(link text, token text, since bigint, until bigint, most integer)
  RETURNS TABLE (hour_at bigint, codec smallint, row_count integer, body bytea)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := (SELECT m.id FROM public.public_monitor(link, token) m);
BEGIN
  RETURN QUERY SELECT * FROM public.chunks_of(mine, 1::smallint, since, until, most);
END $$;
-- Days in [since, until), both of them starts of days, that are tallied; `whole` asks for the day's histogram instead of its hours'.
CREATE FUNCTION latencies_of(monitor bigint, since bigint, until bigint, whole boolean)
  RETURNS TABLE (day_at bigint, body bytea) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  limit_at bigint := least(until, (SELECT s.tallied_through FROM public.storage_mark s));
BEGIN
  IF whole THEN
    RETURN QUERY SELECT d.day_at, d.day FROM public.latency_days d
      WHERE d.monitor_id = monitor AND d.region = 1::smallint AND d.day_at >= since AND d.day_at < limit_at;
  ELSE
    RETURN QUERY SELECT d.day_at, d.hours FROM public.latency_days d
      WHERE d.monitor_id = monitor AND d.region = 1::smallint AND d.day_at >= since AND d.day_at < limit_at;
  END IF;
END $$;
CREATE FUNCTION account_latencies(monitor bigint, since bigint, until bigint, whole boolean)
  RETURNS TABLE (day_at bigint, body bytea)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM public.monitors m WHERE m.id = monitor AND m.deleted_at IS NULL) THEN
    RETURN QUERY SELECT * FROM public.latencies_of(monitor, since, until, whole);
  END IF;
END $$;
CREATE FUNCTION public_latency_days(link text, token text, since bigint, until bigint, whole boolean)
  RETURNS TABLE (day_at bigint, body bytea)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint := (SELECT m.id FROM public.public_monitor(link, token) m);
BEGIN
  RETURN QUERY SELECT * FROM public.latencies_of(mine, since, until, whole);
END $$;

-- ---- the last look of each monitor --------------------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION account_last_results(monitor_ids bigint[], since bigint, until bigint)
  RETURNS SETOF results LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  hot bigint := greatest(since, (SELECT s.packed_through FROM public.storage_mark s));
BEGIN
  RETURN QUERY SELECT r.* FROM public.monitors m
    CROSS JOIN LATERAL (SELECT x.* FROM public.results x
                        WHERE x.monitor_id = m.id AND x.region = 1::smallint AND x.slot_at >= hot AND x.slot_at < until AND x.verdict <> 0
                        ORDER BY x.slot_at DESC, x.look DESC LIMIT 1) r
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
  RETURN QUERY SELECT r.* FROM public.monitors m
    CROSS JOIN LATERAL (SELECT x.* FROM public.results_late x
                        WHERE x.monitor_id = m.id AND x.region = 1::smallint AND x.slot_at >= since AND x.slot_at < until AND x.verdict <> 0
                        ORDER BY x.slot_at DESC, x.look DESC LIMIT 1) r
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
END $$;
-- The newest chunk with a look that ran, of each monitor, that overlaps [since, until).
CREATE FUNCTION account_last_chunks(monitor_ids bigint[], since bigint, until bigint)
  RETURNS TABLE (monitor_id bigint, hour_at bigint, codec smallint, body bytea)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  first bigint := since / 3600000 * 3600000;
  limit_at bigint := least(until, (SELECT s.packed_through FROM public.storage_mark s));
BEGIN
  IF limit_at <= first THEN RETURN; END IF;
  RETURN QUERY SELECT m.id, c.hour_at, c.codec, c.body FROM public.monitors m
    CROSS JOIN LATERAL (SELECT x.hour_at, x.codec, x.body FROM public.result_chunks x
                        WHERE x.monitor_id = m.id AND x.region = 1::smallint AND x.hour_at >= first AND x.hour_at < limit_at
                          AND x.last_ran_at IS NOT NULL ORDER BY x.hour_at DESC LIMIT 1) c
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
END $$;
CREATE OR REPLACE FUNCTION public_ledger(link text, token text, since bigint)
  RETURNS TABLE (monitor bigint, part smallint, region smallint, from_at bigint, to_at bigint, state smallint, cause smallint, gap smallint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
  shard_number smallint;
  last_at bigint;
BEGIN
  SELECT m.id, m.shard INTO mine, shard_number FROM public.public_monitor(link, token) m;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT * FROM public.ledger_rows(ARRAY[mine], ARRAY[shard_number], since);
  SELECT max(r.slot_at + r.start_ms) INTO last_at
    FROM public.newest_results(mine, shard_number, 0, 9223372036854775807, 9223372036854775807, 0, true, 1) r;
  IF last_at IS NULL OR last_at < (SELECT s.packed_through FROM public.storage_mark s) THEN
    last_at := greatest(last_at, (SELECT c.last_ran_at FROM public.result_chunks c WHERE c.monitor_id = mine AND c.region = 1::smallint
                                    AND c.last_ran_at IS NOT NULL ORDER BY c.hour_at DESC LIMIT 1));
  END IF;
  IF last_at IS NOT NULL THEN
    RETURN QUERY SELECT mine, 7::smallint, 1::smallint, last_at, NULL::bigint, 0::smallint, 0::smallint, 0::smallint;
  END IF;
END $$;

-- ---- glitches (0004_report_counts.sql): what began a failing run is known of packed hours too ------------------------------------------------
-- Late rows count once they are merged.
CREATE OR REPLACE FUNCTION glitches_of(monitor bigint, since bigint, most integer) RETURNS bigint
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  packed bigint := (SELECT s.packed_through FROM public.storage_mark s);
  pending bigint;
  found_runs bigint;
BEGIN
  SELECT coalesce(s.pending_since, 9223372036854775807) INTO pending FROM public.standings s
    WHERE s.monitor_id = monitor AND s.region = 1::smallint;
  SELECT count(*) INTO found_runs FROM (
    SELECT 1 FROM (
      SELECT f.slot_at, f.slot_at + f.start_ms AS at FROM public.results f
        WHERE f.monitor_id = monitor AND f.region = 1::smallint AND f.verdict = 3 AND f.slot_at >= greatest(since, packed)
          AND coalesce((SELECT p.verdict FROM public.results p
              WHERE p.monitor_id = monitor AND p.region = 1::smallint AND p.verdict NOT IN (0, 4)
                AND p.slot_at >= greatest(f.slot_at - 172800000, packed) AND (p.slot_at, p.look) < (f.slot_at, f.look)
              ORDER BY p.slot_at DESC, p.look DESC LIMIT 1), public.verdict_before(monitor, least(packed, f.slot_at))) <> 3
      UNION ALL
      SELECT u.slot_at, u.at FROM public.result_chunks c
        CROSS JOIN LATERAL (SELECT c.runs[2 * n - 1] AS slot_at, c.runs[2 * n] AS at, n FROM generate_series(1, cardinality(c.runs) / 2) n) u
        WHERE c.monitor_id = monitor AND c.region = 1::smallint AND c.runs IS NOT NULL AND c.hour_at > since - 3600000 AND c.hour_at < packed
          AND (u.n > 1 OR NOT c.leads OR public.verdict_before(monitor, c.hour_at) <> 3)) f
    JOIN public.spans s ON s.monitor_id = monitor AND s.region = 1::smallint AND s.state IN (1, 2) AND (s.to_at IS NULL OR s.to_at > since)
      AND f.slot_at >= greatest(since, s.from_at - 86400000) AND f.slot_at < coalesce(s.to_at, 9223372036854775807)
      AND f.at >= s.from_at AND f.at < least(coalesce(s.to_at, 9223372036854775807), pending)
    LIMIT most) runs;
  RETURN found_runs;
END $$;
-- Of the last conclusive look in the packed hours before `hour`, at most two days back; 1 where there is none.
CREATE FUNCTION verdict_before(monitor bigint, hour bigint) RETURNS smallint
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT c.last_verdict FROM public.result_chunks c WHERE c.monitor_id = monitor AND c.region = 1::smallint
    AND c.hour_at < hour AND c.hour_at >= hour - 172800000 AND c.last_verdict <> 0 ORDER BY c.hour_at DESC LIMIT 1), 1::smallint) $$;

-- ---- rights ---------------------------------------------------------------------------------------------------------------------------------
-- public_latencies() stays for processes of the version before; it answers from `results` alone.
REVOKE ALL ON storage_steps, result_chunks, results_late, latency_days FROM PUBLIC;
REVOKE ALL ON FUNCTION ensure_range(text, text, bigint, bigint), ensure_chunks(integer, bigint), ensure_latencies(bigint),
  row_results(bigint, smallint, bigint, bigint, integer), account_row_results(bigint, bigint, bigint, integer),
  public_row_results(text, text, bigint, bigint, integer), chunks_of(bigint, smallint, bigint, bigint, integer),
  account_chunks(bigint, bigint, bigint, integer), public_chunks(text, text, bigint, bigint, integer),
  latencies_of(bigint, bigint, bigint, boolean), account_latencies(bigint, bigint, bigint, boolean),
  public_latency_days(text, text, bigint, bigint, boolean), account_last_chunks(bigint[], bigint, bigint), verdict_before(bigint, bigint)
  FROM PUBLIC;
GRANT SELECT, INSERT ON results_late TO {{worker}};
GRANT SELECT ON result_chunks TO {{worker}};
GRANT EXECUTE ON FUNCTION row_results(bigint, smallint, bigint, bigint, integer), chunks_of(bigint, smallint, bigint, bigint, integer) TO {{worker}};
GRANT SELECT ON storage_mark TO {{api}}, {{public}};
GRANT EXECUTE ON FUNCTION account_row_results(bigint, bigint, bigint, integer), account_chunks(bigint, bigint, bigint, integer),
  account_latencies(bigint, bigint, bigint, boolean), account_last_chunks(bigint[], bigint, bigint) TO {{api}};
GRANT EXECUTE ON FUNCTION public_row_results(text, text, bigint, bigint, integer), public_chunks(text, text, bigint, bigint, integer),
  public_latency_days(text, text, bigint, bigint, boolean) TO {{public}};
