-- Signed reports: the keys that sign them, closed months in their chains; and what badges of response times and certificates read.

CREATE TABLE report_keys (
  key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{16}$'),  -- the first eight bytes of the public key's SHA-256
  kind text NOT NULL CHECK (kind IN ('root', 'year')),
  year integer NOT NULL,                   -- whose reports it signs; 0: the root, which signs the keys of years
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
  secret bytea NOT NULL,                   -- sealed (seal/), bound to the key id
  not_before bigint NOT NULL,
  not_after bigint,
  revoked_at bigint,
  signed_by text,                          -- key_id of a root
  signature bytea
);
CREATE UNIQUE INDEX report_keys_year ON report_keys (year) WHERE revoked_at IS NULL;

CREATE TABLE report_heads (                -- where the chain of a monitor's closed months stands
  monitor_id bigint PRIMARY KEY,
  timezone text NOT NULL,                  -- of this chain; another one begins another chain
  chain integer NOT NULL,
  number integer NOT NULL,                 -- months closed in it
  next_month text NOT NULL,                -- "2026-11"
  due_at bigint NOT NULL,                  -- when that may be closed
  hash bytea                               -- of the last one; null: none yet
);
CREATE INDEX report_heads_due ON report_heads (due_at);
CREATE TABLE report_months (
  monitor_id bigint NOT NULL,
  chain integer NOT NULL,
  number integer NOT NULL,
  month text NOT NULL,
  timezone text NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  closed_at bigint NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),  -- SHA-256 of the document's canonical bytes without its signature
  document text,                           -- as signed; null: the monitor was deleted, the hash stays
  PRIMARY KEY (monitor_id, chain, number)
);
CREATE INDEX report_months_month ON report_months (monitor_id, month, chain);

-- The signed document of a closed month; of the newest chain that has it.
CREATE FUNCTION public_report_month(token text, wanted text) RETURNS TABLE (document text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
BEGIN
  SELECT m.id INTO mine FROM public.public_monitor('report', token) m;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT r.document FROM public.report_months r
    WHERE r.monitor_id = mine AND r.month = wanted AND r.document IS NOT NULL ORDER BY r.chain DESC LIMIT 1;
END $$;

-- The median of the looks that were answered.
CREATE FUNCTION public_response(link text, token text, since bigint, until bigint, OUT known boolean, OUT median_us bigint)
  RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
BEGIN
  SELECT m.id INTO mine FROM public.public_monitor(link, token) m;
  IF NOT FOUND THEN RETURN; END IF;
  known := true;
  SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY r.total_us) INTO median_us FROM public.results r
    WHERE r.monitor_id = mine AND r.region = 1::smallint AND r.slot_at >= since AND r.slot_at < until AND r.verdict IN (1, 2);
  RETURN NEXT;
END $$;
-- When the certificate that was seen last ends (RFC 3339). Evidence is kept once an hour at least, so a few rows tell.
CREATE FUNCTION public_certificate(link text, token text, OUT known boolean, OUT not_after text)
  RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine bigint;
BEGIN
  SELECT m.id INTO mine FROM public.public_monitor(link, token) m;
  IF NOT FOUND THEN RETURN; END IF;
  known := true;
  SELECT x.seen INTO not_after FROM (
    SELECT e.slot_at, e.look, coalesce(e.body #>> '{certificate,not_after}', e.body #>> '{tls,chain,0,not_after}') AS seen
    FROM public.evidence e WHERE e.monitor_id = mine AND e.region = 1::smallint ORDER BY e.slot_at DESC, e.look DESC LIMIT 50) x
    WHERE x.seen IS NOT NULL ORDER BY x.slot_at DESC, x.look DESC LIMIT 1;
  RETURN NEXT;
END $$;

REVOKE ALL ON report_keys, report_heads, report_months FROM PUBLIC;
REVOKE ALL ON FUNCTION public_report_month(text, text), public_response(text, text, bigint, bigint), public_certificate(text, text) FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON report_keys, report_heads, report_months TO {{worker}};
GRANT EXECUTE ON FUNCTION public_report_month(text, text), public_response(text, text, bigint, bigint), public_certificate(text, text) TO {{public}};
GRANT SELECT ON report_keys, report_heads, report_months TO {{backup}};
