-- People: sessions of browsers, the first owner's link, invitations, second factors, and who changed what.
--
-- Of every secret a person holds (cookie, link, recovery code) only the SHA-256 is kept. A session belongs to a membership: who is removed
-- from an account is signed out of it in the same moment, and a role is read from the membership at every request.

ALTER TABLE users
  ADD COLUMN totp_secret bytea,            -- sealed (seal/); null: no second factor
  ADD COLUMN totp_since bigint,            -- null: offered, not confirmed yet
  ADD COLUMN totp_step bigint NOT NULL DEFAULT 0;  -- the last step that was used: a code counts once

CREATE TABLE sessions (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL,
  user_id bigint NOT NULL,
  token_hash bytea NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,                 -- at most once a minute
  expires_at bigint NOT NULL,
  ended_at bigint,
  address text NOT NULL,                   -- the client's network: /24 or /48
  agent text NOT NULL,
  FOREIGN KEY (account_id, user_id) REFERENCES memberships (account_id, user_id) ON DELETE CASCADE
);
CREATE INDEX sessions_member ON sessions (account_id, user_id, id);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE setup_tokens (                -- opens the making of the first account; one is valid at a time
  token_hash bytea PRIMARY KEY,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint
);

CREATE TABLE invitations (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  email text NOT NULL CHECK (email = lower(email)),
  role text NOT NULL CHECK (role IN ('owner','admin','editor','viewer')),
  token_hash bytea NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint
);
CREATE INDEX invitations_account ON invitations (account_id, id);

CREATE TABLE recovery_codes (
  user_id bigint NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  code_hash bytea NOT NULL,
  used_at bigint,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE audit_log (                   -- append-only: nobody but the operator may change or remove a row
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  at bigint NOT NULL,
  actor text NOT NULL,                     -- usr_…, key_… or operator
  actor_name text NOT NULL,                -- e-mail or key name as it was then
  action text NOT NULL,                    -- "PATCH /api/v1/monitors/{id}", or a word of the command line
  object text NOT NULL,                    -- id; empty: the account
  address text NOT NULL,
  before jsonb,
  after jsonb
);
CREATE INDEX audit_log_account ON audit_log (account_id, id);

DO $$
DECLARE
  title text;
BEGIN
  FOREACH title IN ARRAY ARRAY['sessions', 'setup_tokens', 'invitations', 'recovery_codes', 'audit_log'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', title);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', title);
    EXECUTE format('CREATE POLICY operator ON %I TO {{owner}} USING ((SELECT current_setting(''app.operator'', true)) = ''on'') '
                   'WITH CHECK ((SELECT current_setting(''app.operator'', true)) = ''on'')', title);
    EXECUTE format('CREATE POLICY backup ON %I FOR SELECT TO {{backup}} USING ({{is_backup}})', title);
  END LOOP;
  FOREACH title IN ARRAY ARRAY['sessions', 'invitations', 'audit_log'] LOOP
    EXECUTE format('CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint)) '
                   'WITH CHECK (account_id = (SELECT nullif(current_setting(''app.account'', true), '''')::bigint))', title);
  END LOOP;
END $$;

-- ---- what is looked up before an account is known (as find_api_key: every account is seen while it runs) -------------------------------------
-- The session of a cookie. It ends 14 days after it was last used, at the latest at expires_at.
CREATE FUNCTION find_session(hash bytea, at bigint, OUT session bigint, OUT account bigint, OUT person bigint, OUT person_role text,
                             OUT email text, OUT account_name text)
  RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  seen bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  SELECT s.id, s.account_id, s.user_id, m.role, u.email, a.name, s.seen_at
    INTO session, account, person, person_role, email, account_name, seen
    FROM public.sessions s JOIN public.memberships m ON m.account_id = s.account_id AND m.user_id = s.user_id
    JOIN public.users u ON u.id = s.user_id JOIN public.accounts a ON a.id = s.account_id
    WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > at AND s.seen_at > at - 1209600000;
  IF FOUND THEN
    IF seen < at - 60000 THEN
      UPDATE public.sessions s SET seen_at = at WHERE s.id = session AND s.seen_at < at - 60000;
    END IF;
    RETURN NEXT;
  END IF;
  PERFORM set_config('app.operator', former, true);
END $$;
-- Who signs in with an address: in the account named, else in the one used last. `known`: somebody signed in as this person from that
-- network before.
CREATE FUNCTION find_person(address text, wanted bigint, network text, OUT person bigint, OUT phc text, OUT account bigint,
                            OUT person_role text, OUT account_name text, OUT factor bytea, OUT factor_since bigint, OUT known boolean)
  RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT u.id, u.password_hash, m.account_id, m.role, a.name, u.totp_secret, u.totp_since,
      EXISTS (SELECT 1 FROM public.sessions k WHERE k.user_id = u.id AND k.address = network)
    FROM public.users u JOIN public.memberships m ON m.user_id = u.id JOIN public.accounts a ON a.id = m.account_id
    WHERE u.email = find_person.address AND (wanted = 0 OR m.account_id = wanted)
    ORDER BY (SELECT max(s.id) FROM public.sessions s WHERE s.account_id = m.account_id AND s.user_id = u.id) DESC NULLS LAST, m.account_id
    LIMIT 1;
  PERFORM set_config('app.operator', former, true);
END $$;

-- ---- what a person changes of himself: only with a session of his that lives -------------------------------------------------------------------
-- Sets the password, gives the session a new cookie and ends all others of the person. False: the session does not live.
CREATE FUNCTION change_password(session bigint, at bigint, phc text, fresh_hash bytea) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  whose bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.sessions s SET token_hash = fresh_hash, seen_at = at
    WHERE s.id = session AND s.ended_at IS NULL AND s.expires_at > at RETURNING s.user_id INTO whose;
  IF whose IS NOT NULL THEN
    UPDATE public.users u SET password_hash = phc WHERE u.id = whose;
    UPDATE public.sessions s SET ended_at = at WHERE s.user_id = whose AND s.id <> session AND s.ended_at IS NULL;
  END IF;
  PERFORM set_config('app.operator', former, true);
  RETURN whose IS NOT NULL;
END $$;
-- The same password hashed with today's costs.
CREATE FUNCTION rehash_password(person bigint, known text, fresh text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.users u SET password_hash = fresh WHERE u.id = person AND u.password_hash = known;
  PERFORM set_config('app.operator', former, true);
END $$;
-- A second factor: offered (replaces an unconfirmed one), confirmed with the step of its first code and its recovery codes, dropped.
-- False: the session does not live, or there is nothing to do.
CREATE FUNCTION offer_factor(session bigint, sealed bytea) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  done boolean;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.users u SET totp_secret = sealed FROM public.sessions s
    WHERE s.id = session AND s.ended_at IS NULL AND u.id = s.user_id AND u.totp_since IS NULL;
  done := FOUND;
  PERFORM set_config('app.operator', former, true);
  RETURN done;
END $$;
CREATE FUNCTION confirm_factor(session bigint, at bigint, step bigint, codes bytea[]) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  whose bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.users u SET totp_since = at, totp_step = step FROM public.sessions s
    WHERE s.id = session AND s.ended_at IS NULL AND u.id = s.user_id AND u.totp_secret IS NOT NULL AND u.totp_since IS NULL
    RETURNING u.id INTO whose;
  IF whose IS NOT NULL THEN
    DELETE FROM public.recovery_codes r WHERE r.user_id = whose;
    INSERT INTO public.recovery_codes (user_id, code_hash) SELECT whose, c FROM unnest(codes) AS c;
  END IF;
  PERFORM set_config('app.operator', former, true);
  RETURN whose IS NOT NULL;
END $$;
CREATE FUNCTION drop_factor(session bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  whose bigint;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.users u SET totp_secret = NULL, totp_since = NULL, totp_step = 0 FROM public.sessions s
    WHERE s.id = session AND s.ended_at IS NULL AND u.id = s.user_id AND u.totp_secret IS NOT NULL RETURNING u.id INTO whose;
  IF whose IS NOT NULL THEN
    DELETE FROM public.recovery_codes r WHERE r.user_id = whose;
  END IF;
  PERFORM set_config('app.operator', former, true);
  RETURN whose IS NOT NULL;
END $$;
-- A code counts once: true for the first who uses this step, or this recovery code.
CREATE FUNCTION use_factor(person bigint, at bigint, step bigint, code bytea) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  done boolean;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  IF code IS NULL THEN
    UPDATE public.users u SET totp_step = step WHERE u.id = person AND u.totp_step < step;
  ELSE
    UPDATE public.recovery_codes r SET used_at = at WHERE r.user_id = person AND r.code_hash = code AND r.used_at IS NULL;
  END IF;
  done := FOUND;
  PERFORM set_config('app.operator', former, true);
  RETURN done;
END $$;

-- ---- links ----------------------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION setup_open(hash bytea, at bigint) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  open boolean;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  open := EXISTS (SELECT 1 FROM public.setup_tokens t WHERE t.token_hash = hash AND t.used_at IS NULL AND t.expires_at > at)
    AND NOT EXISTS (SELECT 1 FROM public.accounts);
  PERFORM set_config('app.operator', former, true);
  RETURN open;
END $$;
-- The first account and its owner. False: the link is unknown, used or old, or there is an account already. Of two at once one wins: the
-- second waits for the row and finds it used.
CREATE FUNCTION use_setup(hash bytea, at bigint, account bigint, person bigint, address text, phc text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  done boolean;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.setup_tokens t SET used_at = at WHERE t.token_hash = hash AND t.used_at IS NULL AND t.expires_at > at;
  done := FOUND AND NOT EXISTS (SELECT 1 FROM public.accounts);
  IF done THEN
    INSERT INTO public.accounts (id, name, created_at) VALUES (account, address, at);
    INSERT INTO public.users (id, email, password_hash, created_at) VALUES (person, address, phc, at)
      ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash;
    INSERT INTO public.memberships (account_id, user_id, role) SELECT account, u.id, 'owner' FROM public.users u WHERE u.email = address;
  END IF;
  PERFORM set_config('app.operator', former, true);
  RETURN done;
END $$;
-- `phc`: of the person who has this address already; `others`: he belongs to other accounts.
CREATE FUNCTION find_invitation(hash bytea, at bigint, OUT account bigint, OUT account_name text, OUT address text, OUT person_role text,
                                OUT person bigint, OUT phc text, OUT others boolean)
  RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  RETURN QUERY SELECT i.account_id, a.name, i.email, i.role, u.id, u.password_hash,
      EXISTS (SELECT 1 FROM public.memberships m WHERE m.user_id = u.id AND m.account_id <> i.account_id)
    FROM public.invitations i JOIN public.accounts a ON a.id = i.account_id LEFT JOIN public.users u ON u.email = i.email
    WHERE i.token_hash = hash AND i.used_at IS NULL AND i.expires_at > at;
  PERFORM set_config('app.operator', former, true);
END $$;
-- Uses the invitation: its account and the person, made when the address is new. A password is set only where there is none, and never for
-- one who belongs to other accounts. Nothing: the link is unknown, used or old.
CREATE FUNCTION use_invitation(hash bytea, at bigint, fresh bigint, fresh_phc text, OUT account bigint, OUT person bigint)
  RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  former text := coalesce(current_setting('app.operator', true), '');
  invited record;
BEGIN
  PERFORM set_config('app.operator', 'on', true);
  UPDATE public.invitations i SET used_at = at WHERE i.token_hash = hash AND i.used_at IS NULL AND i.expires_at > at
    RETURNING i.account_id, i.email, i.role INTO invited;
  IF FOUND THEN
    INSERT INTO public.users (id, email, password_hash, created_at) VALUES (fresh, invited.email, fresh_phc, at) ON CONFLICT (email) DO NOTHING;
    SELECT u.id INTO person FROM public.users u WHERE u.email = invited.email;
    UPDATE public.users u SET password_hash = fresh_phc WHERE u.id = person AND u.password_hash IS NULL
      AND NOT EXISTS (SELECT 1 FROM public.memberships m WHERE m.user_id = person AND m.account_id <> invited.account_id);
    INSERT INTO public.memberships (account_id, user_id, role) VALUES (invited.account_id, person, invited.role) ON CONFLICT DO NOTHING;
    account := invited.account_id;
    RETURN NEXT;
  END IF;
  PERFORM set_config('app.operator', former, true);
END $$;

-- ---- rights ---------------------------------------------------------------------------------------------------------------------------------
REVOKE ALL ON sessions, setup_tokens, invitations, recovery_codes, audit_log FROM PUBLIC;
REVOKE ALL ON FUNCTION find_session(bytea, bigint), find_person(text, bigint, text), change_password(bigint, bigint, text, bytea),
  rehash_password(bigint, text, text), offer_factor(bigint, bytea), confirm_factor(bigint, bigint, bigint, bytea[]), drop_factor(bigint),
  use_factor(bigint, bigint, bigint, bytea), setup_open(bytea, bigint), use_setup(bytea, bigint, bigint, bigint, text, text),
  find_invitation(bytea, bigint), use_invitation(bytea, bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_session(bytea, bigint), find_person(text, bigint, text), change_password(bigint, bigint, text, bytea),
  rehash_password(bigint, text, text), offer_factor(bigint, bytea), confirm_factor(bigint, bigint, bigint, bytea[]), drop_factor(bigint),
  use_factor(bigint, bigint, bigint, bytea), setup_open(bytea, bigint), use_setup(bytea, bigint, bigint, bigint, text, text),
  find_invitation(bytea, bigint), use_invitation(bytea, bigint, bigint, text) TO {{api}};
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, invitations TO {{api}};
GRANT SELECT, INSERT ON audit_log TO {{api}};
GRANT UPDATE, DELETE ON memberships TO {{api}};
GRANT SELECT ON sessions, setup_tokens, invitations, recovery_codes, audit_log TO {{backup}};
