-- Who is told what: channels, policies, incidents, and the deliveries that the courier works off (RULES B 9, SHAPES 17–18).
-- Fan-out turns flips into incidents and deliveries in one transaction; natural keys make a second one harmless. Numbers of `kind` are those
-- of core/alert.h; `state` of a delivery: 1 pending, 2 sent, 3 failed, 4 dropped.

CREATE TABLE channels (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  user_id bigint,                          -- an owner's own, made by owner_channels()
  name text NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
  address text NOT NULL DEFAULT '',        -- e-mail
  url text NOT NULL DEFAULT '',
  body text NOT NULL DEFAULT '',
  secrets bytea,                           -- sealed (seal/): {"secret":…,"headers":{…}}; null: none
  timezone text NOT NULL DEFAULT 'UTC',
  quiet_from smallint CHECK (quiet_from BETWEEN 0 AND 1439),  -- minutes of the day in `timezone`
  quiet_to smallint CHECK (quiet_to BETWEEN 0 AND 1439),
  hold_down boolean NOT NULL DEFAULT false,
  digest_after smallint NOT NULL DEFAULT 5 CHECK (digest_after BETWEEN 1 AND 1000),
  enabled boolean NOT NULL DEFAULT true,
  strikes smallint NOT NULL DEFAULT 0,     -- permanent failures in a row; from three on it is failing
  last_error text,
  last_error_at bigint,
  last_sent_at bigint,
  link_token text NOT NULL UNIQUE,         -- of the unsubscribe link
  revision integer NOT NULL DEFAULT 1,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
CREATE INDEX channels_account ON channels (account_id, id) WHERE deleted_at IS NULL;

CREATE TABLE alert_policies (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  name text NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',       -- any of them; with `monitors` empty too: every monitor
  monitors bigint[] NOT NULL DEFAULT '{}',
  kinds smallint[] NOT NULL,               -- what it tells
  delays_s integer[] NOT NULL,             -- pairs with `channels`
  channels bigint[] NOT NULL,
  remind_s integer NOT NULL DEFAULT 0,     -- 0: no reminders
  revision integer NOT NULL DEFAULT 1,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  CHECK (cardinality(delays_s) = cardinality(channels))
);
CREATE INDEX alert_policies_account ON alert_policies (account_id, id);

CREATE TABLE incidents (                   -- one a settled outage; `version` is its opening flip's
  monitor_id bigint NOT NULL,
  version integer NOT NULL,
  account_id bigint NOT NULL,
  started_at bigint NOT NULL,              -- first failing look
  confirmed_at bigint NOT NULL,
  ended_at bigint,
  cause smallint NOT NULL,
  detail text NOT NULL DEFAULT '',
  acknowledged_at bigint,
  acknowledged_by text,
  root_cause text NOT NULL DEFAULT '',
  link_token text UNIQUE,                  -- of the acknowledge link; null: none was ever sent
  PRIMARY KEY (monitor_id, version)
);
CREATE INDEX incidents_account ON incidents (account_id, started_at DESC, monitor_id, version);
CREATE UNIQUE INDEX incidents_open ON incidents (monitor_id) WHERE ended_at IS NULL;
CREATE TABLE incident_updates (
  monitor_id bigint NOT NULL,
  version integer NOT NULL,
  id bigint NOT NULL,
  account_id bigint NOT NULL,
  at bigint NOT NULL,
  author text NOT NULL,
  words text NOT NULL,
  shown boolean NOT NULL DEFAULT false,    -- on public pages
  PRIMARY KEY (monitor_id, version, id)
);

CREATE TABLE deliveries (                  -- one alert on its way to one channel by one step of its policies
  monitor_id bigint NOT NULL,              -- 0: about no monitor
  version integer NOT NULL,                -- of the flip that is told; 0: no flip
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 10),
  number bigint NOT NULL DEFAULT 0,        -- reminder 1, 2 …; what else tells two alerts of one kind apart
  channel_id bigint NOT NULL,
  step smallint NOT NULL DEFAULT 0,
  account_id bigint NOT NULL,
  incident integer,                        -- version of its incident; null: none
  cause smallint NOT NULL DEFAULT 0,
  gap smallint NOT NULL DEFAULT 0,
  detail text NOT NULL DEFAULT '',
  started_at bigint NOT NULL,
  confirmed_at bigint,
  ended_at bigint,
  remind_s integer NOT NULL DEFAULT 0,
  step_at bigint NOT NULL,                 -- when its policy wants it told
  due_at bigint NOT NULL,                  -- the same, or later: quiet hours, a retry
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 4),
  reason text,                             -- why it was dropped
  message_id text,                         -- of the message it leaves with, from its first attempt on
  lead boolean NOT NULL DEFAULT false,     -- the one that names the message
  attempts integer NOT NULL DEFAULT 0,     -- claims
  lease_until bigint,
  claimed_at bigint,                       -- first claim
  created_at bigint NOT NULL,
  done_at bigint,
  PRIMARY KEY (monitor_id, version, kind, number, channel_id, step)
);
CREATE INDEX deliveries_new ON deliveries (channel_id, due_at) WHERE state = 1 AND message_id IS NULL;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 1;
CREATE INDEX deliveries_message ON deliveries (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX deliveries_recent ON deliveries (channel_id, claimed_at) WHERE lead;
CREATE INDEX deliveries_account ON deliveries (account_id, created_at, monitor_id, version, kind, number, channel_id, step);

CREATE TABLE delivery_attempts (           -- the proof
  channel_id bigint NOT NULL,
  message_id text NOT NULL,
  attempt integer NOT NULL,                -- the claim, from 1
  turn smallint NOT NULL,                  -- relay A refused, relay B took it
  account_id bigint NOT NULL,
  at bigint NOT NULL,
  relay text NOT NULL,
  reply text NOT NULL,
  tls text NOT NULL,
  queue_id text NOT NULL,
  result smallint NOT NULL CHECK (result BETWEEN 1 AND 4),
  PRIMARY KEY (channel_id, message_id, attempt, turn)
);

CREATE TABLE alert_marks (                 -- what is no flip and was told: a stretch of unknown, a certificate's threshold
  monitor_id bigint NOT NULL,
  kind smallint NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (monitor_id, kind, number)
);

-- ---- policies as in 0002 ---------------------------------------------------------------------------------------------------------------
DO $$
DECLARE
  title text;
BEGIN
  FOREACH title IN ARRAY ARRAY['channels', 'alert_policies', 'incidents', 'incident_updates', 'deliveries', 'delivery_attempts'] LOOP
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

-- ---- nobody is left untold by default ----------------------------------------------------------------------------------------------------
-- An e-mail channel for each owner of the account; again and again the same ones, so two callers make one.
CREATE FUNCTION owner_channels(account bigint, at bigint) RETURNS void LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO public.channels (id, account_id, user_id, name, kind, address, timezone, link_token, created_at, updated_at)
    SELECT ('x' || substr(md5('channel of ' || m.account_id || ' ' || m.user_id), 1, 16))::bit(64)::bigint & 4611686018427387903,
           m.account_id, m.user_id, 'Owner', 1, u.email, a.timezone,
           replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), at, at
    FROM public.memberships m JOIN public.users u ON u.id = m.user_id JOIN public.accounts a ON a.id = m.account_id
    WHERE m.account_id = account AND m.role = 'owner'
    ON CONFLICT DO NOTHING
$$;

-- ---- acknowledging ends what its policies still had in mind ---------------------------------------------------------------------------------
CREATE FUNCTION acknowledge_incident(monitor bigint, opening integer, who text, at bigint) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE public.incidents i SET acknowledged_at = coalesce(i.acknowledged_at, at), acknowledged_by = coalesce(i.acknowledged_by, who)
    WHERE i.monitor_id = monitor AND i.version = opening;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE public.deliveries d SET state = 4, reason = 'acknowledged', done_at = at
    WHERE d.monitor_id = monitor AND d.incident = opening AND d.state = 1 AND d.message_id IS NULL AND
          (d.kind = 8 OR (d.kind = 1 AND d.step_at > at));
  RETURN true;
END $$;
-- What the signed links in a message open (public role); the setting is put back as find_api_key() does.
CREATE FUNCTION public_incident(token text)
  RETURNS TABLE (monitor bigint, version integer, name text, started_at bigint, ended_at bigint, cause smallint, acknowledged_at bigint,
                 acknowledged_by text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  IF length(token) < 16 THEN RETURN; END IF;
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT i.monitor_id, i.version, m.name, i.started_at, i.ended_at, i.cause, i.acknowledged_at, i.acknowledged_by
    FROM public.incidents i JOIN public.monitors m ON m.id = i.monitor_id AND m.deleted_at IS NULL WHERE i.link_token = token;
  PERFORM set_config('app.operator', former, true);
END $$;
CREATE FUNCTION public_acknowledge(token text, at bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  found_one boolean := false;
  i record;
BEGIN
  SELECT x.monitor, x.version INTO i FROM public.public_incident(token) x;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM set_config('app.operator', 'on', true);
  found_one := public.acknowledge_incident(i.monitor, i.version, 'by the link in an alert', at);
  PERFORM set_config('app.operator', former, true);
  RETURN found_one;
END $$;
-- Null: no such link; else whether the channel is still on. `off`: switch it off.
CREATE FUNCTION public_unsubscribe(token text, off boolean, at bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  still boolean;
BEGIN
  IF length(token) < 16 THEN RETURN NULL; END IF;
  PERFORM set_config('app.operator', 'on', true);
  IF off THEN
    UPDATE public.channels c SET enabled = false, revision = c.revision + 1, updated_at = at, last_error = 'unsubscribed by its link',
           last_error_at = at
      WHERE c.link_token = token AND c.deleted_at IS NULL AND c.enabled;
  END IF;
  SELECT c.enabled INTO still FROM public.channels c WHERE c.link_token = token AND c.deleted_at IS NULL;
  PERFORM set_config('app.operator', former, true);
  RETURN still;
END $$;

-- ---- hints ------------------------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION alerts_hint() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('everup_alerts', '');
  RETURN NULL;
END $$;
CREATE TRIGGER flips_inserted AFTER INSERT ON flips FOR EACH STATEMENT EXECUTE FUNCTION alerts_hint();
CREATE TRIGGER deliveries_inserted AFTER INSERT ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION alerts_hint();

-- ---- what happened before there were alerts: incidents without deliveries, and nothing is told of it -------------------------------------------
INSERT INTO incidents (monitor_id, version, account_id, started_at, confirmed_at, ended_at, cause)
  SELECT f.monitor_id, f.version, m.account_id, f.at, f.settled_at,
         (SELECT greatest(n.at, f.at) FROM flips n WHERE n.monitor_id = f.monitor_id AND n.region = f.region AND n.version > f.version
          ORDER BY n.version LIMIT 1), f.cause
  FROM flips f JOIN monitors m ON m.id = f.monitor_id WHERE f.region = 1::smallint AND f.to_state = 3;
UPDATE flips SET fanned_at = recorded_at WHERE fanned_at IS NULL;
INSERT INTO alert_marks (monitor_id, kind, number, at)
  SELECT s.monitor_id, 4, s.booked_since, s.booked_since FROM standings s WHERE s.booked = 4 AND s.region = 1::smallint;

-- ---- rights -------------------------------------------------------------------------------------------------------------------------------------
REVOKE ALL ON channels, alert_policies, incidents, incident_updates, deliveries, delivery_attempts, alert_marks FROM PUBLIC;
REVOKE ALL ON FUNCTION owner_channels(bigint, bigint), acknowledge_incident(bigint, integer, text, bigint), public_incident(text),
  public_acknowledge(text, bigint), public_unsubscribe(text, boolean, bigint), alerts_hint() FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON channels, incidents TO {{worker}};
GRANT SELECT ON alert_policies, incident_updates TO {{worker}};
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries, delivery_attempts, alert_marks TO {{worker}};
GRANT EXECUTE ON FUNCTION owner_channels(bigint, bigint) TO {{worker}}, {{api}};
GRANT SELECT, INSERT, UPDATE ON channels, deliveries TO {{api}};
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_policies TO {{api}};
GRANT SELECT, UPDATE ON incidents TO {{api}};
GRANT SELECT, INSERT ON incident_updates TO {{api}};
GRANT SELECT ON delivery_attempts TO {{api}};
GRANT EXECUTE ON FUNCTION acknowledge_incident(bigint, integer, text, bigint) TO {{api}};
GRANT EXECUTE ON FUNCTION public_incident(text), public_acknowledge(text, bigint), public_unsubscribe(text, boolean, bigint) TO {{public}};
GRANT SELECT ON channels, alert_policies, incidents, incident_updates, deliveries, delivery_attempts, alert_marks TO {{backup}};
