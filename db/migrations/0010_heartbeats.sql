-- What jobs tell us. One narrow row a heartbeat monitor, made and removed by triggers of the monitor, so that no path can forget it; its
-- token opens nothing but the saying of a signal. Monitor-scoped: no policies, closed to api and public, reached by the functions below.
CREATE TABLE heartbeats (
  monitor_id bigint PRIMARY KEY,
  token text NOT NULL UNIQUE,              -- 128 random bits, 32 hexadecimal digits
  started_at bigint,                       -- the last signal of each sort
  succeeded_at bigint,
  failed_at bigint,
  exit_code smallint,                      -- of the last success or failure, when it named one
  took_ms bigint,                          -- from the last start to the success or failure that ended that run
  body text,                               -- of the last signal that had one: at most 2 KiB, printable
  recent_at bigint[] NOT NULL DEFAULT '{}',        -- the last twenty signals, newest first
  recent_signal smallint[] NOT NULL DEFAULT '{}',  -- core/heartbeat.h
  recent_code smallint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 60);

CREATE FUNCTION heartbeat_token() RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT substr(encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'), 1, 32)
$$;
CREATE FUNCTION heartbeats_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.heartbeats (monitor_id, token) SELECT c.id, public.heartbeat_token() FROM changed c
    WHERE c.kind = 9 AND c.deleted_at IS NULL ON CONFLICT (monitor_id) DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION heartbeats_updated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM public.heartbeats h USING changed c WHERE h.monitor_id = c.id AND (c.kind <> 9 OR c.deleted_at IS NOT NULL);
  INSERT INTO public.heartbeats (monitor_id, token) SELECT c.id, public.heartbeat_token() FROM changed c
    WHERE c.kind = 9 AND c.deleted_at IS NULL ON CONFLICT (monitor_id) DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION heartbeats_removed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM public.heartbeats h USING removed r WHERE h.monitor_id = r.id;
  RETURN NULL;
END $$;
CREATE TRIGGER heartbeats_inserted AFTER INSERT ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION heartbeats_inserted();
CREATE TRIGGER heartbeats_updated AFTER UPDATE ON monitors REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION heartbeats_updated();
CREATE TRIGGER heartbeats_removed AFTER DELETE ON monitors REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION heartbeats_removed();

-- Books one signal (1 success, 2 failure, 3 start, 4 log); false: there is no such token. Signals that overtake each other keep the newest.
CREATE FUNCTION heartbeat_signal(wanted text, signal smallint, code smallint, said text, at bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  h public.heartbeats%ROWTYPE;
  ends boolean := signal IN (1, 2);
BEGIN
  SELECT * INTO h FROM public.heartbeats x WHERE x.token = wanted FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE public.heartbeats x SET
    started_at = CASE WHEN signal = 3 THEN greatest(h.started_at, at) ELSE h.started_at END,
    succeeded_at = CASE WHEN signal = 1 THEN greatest(h.succeeded_at, at) ELSE h.succeeded_at END,
    failed_at = CASE WHEN signal = 2 THEN greatest(h.failed_at, at) ELSE h.failed_at END,
    exit_code = CASE WHEN ends THEN code ELSE h.exit_code END,
    took_ms = CASE WHEN NOT ends THEN h.took_ms
                   WHEN h.started_at > greatest(coalesce(h.succeeded_at, 0), coalesce(h.failed_at, 0)) THEN greatest(at - h.started_at, 0) END,
    body = CASE WHEN said <> '' THEN left(said, 2048) WHEN ends THEN NULL ELSE h.body END,
    recent_at = (ARRAY[at] || h.recent_at)[1:20],
    recent_signal = (ARRAY[signal] || h.recent_signal)[1:20],
    recent_code = (ARRAY[code] || h.recent_code)[1:20]
    WHERE x.monitor_id = h.monitor_id;
  RETURN true;
END $$;

-- What the account's own monitors were told, with their tokens.
CREATE FUNCTION account_heartbeats(monitor_ids bigint[]) RETURNS SETOF heartbeats
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT h.* FROM public.monitors m JOIN public.heartbeats h ON h.monitor_id = m.id
    WHERE m.id = ANY (monitor_ids) AND m.deleted_at IS NULL;
END $$;
CREATE FUNCTION account_rotate_heartbeat(monitor bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE public.heartbeats h SET token = public.heartbeat_token() FROM public.monitors m
    WHERE m.id = monitor AND m.deleted_at IS NULL AND h.monitor_id = m.id;
  RETURN FOUND;
END $$;

INSERT INTO heartbeats (monitor_id, token) SELECT id, heartbeat_token() FROM monitors WHERE kind = 9 AND deleted_at IS NULL;

REVOKE ALL ON heartbeats FROM PUBLIC;
REVOKE ALL ON FUNCTION heartbeat_token(), heartbeats_inserted(), heartbeats_updated(), heartbeats_removed(),
  heartbeat_signal(text, smallint, smallint, text, bigint), account_heartbeats(bigint[]), account_rotate_heartbeat(bigint) FROM PUBLIC;
GRANT SELECT ON heartbeats TO {{worker}}, {{backup}};
GRANT EXECUTE ON FUNCTION account_heartbeats(bigint[]), account_rotate_heartbeat(bigint) TO {{api}};
GRANT EXECUTE ON FUNCTION heartbeat_signal(text, smallint, smallint, text, bigint) TO {{public}};
