-- What a report tells beside its figures: glitches (a suspicion that ended without settling: the first look of a failing run inside time that
-- is booked as up) and corrections. Failing looks are few and have an index of their own, so 90 days cost what failed in them.

CREATE INDEX results_failed ON results (monitor_id, region, slot_at, look) WHERE verdict = 3;

-- At most `most` are counted. A look belongs to the span in which it started; its slot lies at most a day before it. Missed and inconclusive
-- looks neither begin nor end a run. Suspicions that are not over yet (pending_since) are not counted.
CREATE FUNCTION glitches_of(monitor bigint, since bigint, most integer) RETURNS bigint
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  pending bigint;
  found_runs bigint;
BEGIN
  SELECT coalesce(s.pending_since, 9223372036854775807) INTO pending FROM public.standings s
    WHERE s.monitor_id = monitor AND s.region = 1::smallint;
  SELECT count(*) INTO found_runs FROM (
    SELECT 1 FROM public.spans s
    CROSS JOIN LATERAL (
      SELECT r.slot_at, r.look FROM public.results r
      WHERE r.monitor_id = monitor AND r.region = 1::smallint AND r.verdict = 3 AND r.slot_at >= greatest(since, s.from_at - 86400000)
        AND r.slot_at < coalesce(s.to_at, 9223372036854775807) AND r.slot_at + r.start_ms >= s.from_at
        AND r.slot_at + r.start_ms < least(coalesce(s.to_at, 9223372036854775807), pending)) f
    CROSS JOIN LATERAL (
      SELECT coalesce((SELECT p.verdict FROM public.results p
        WHERE p.monitor_id = monitor AND p.region = 1::smallint AND p.verdict NOT IN (0, 4) AND p.slot_at >= f.slot_at - 172800000
          AND (p.slot_at, p.look) < (f.slot_at, f.look)
        ORDER BY p.slot_at DESC, p.look DESC LIMIT 1), 1) AS verdict) before
    WHERE s.monitor_id = monitor AND s.region = 1::smallint AND s.state IN (1, 2) AND (s.to_at IS NULL OR s.to_at > since)
      AND before.verdict <> 3
    LIMIT most) runs;
  RETURN found_runs;
END $$;
CREATE FUNCTION public_report_counts(token text, since bigint, most integer, OUT glitches bigint, OUT corrections bigint)
  RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
BEGIN
  SELECT m.id INTO mine FROM public.public_monitor('report', token) m;
  IF NOT FOUND THEN RETURN; END IF;
  glitches := public.glitches_of(mine, since, most);
  SELECT count(*) INTO corrections FROM public.corrections c WHERE c.monitor_id = mine;
  RETURN NEXT;
END $$;

REVOKE ALL ON FUNCTION glitches_of(bigint, bigint, integer), public_report_counts(text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public_report_counts(text, bigint, integer) TO {{public}};
