-- The spine's tables. docs/DATA.md is the prose; RULES C the law.
-- Instants are bigint, UTC milliseconds since 1970 (the domain's own unit, exact, cheap to COPY); only leases use the database's clock.
-- Numbers of verdict, cause, phase, state, trigger and gap reason: core/outcome.h and core/standing.h, never reused.

-- ---- account-scoped (row-level security) ---------------------------------------------------------------------------------------------
CREATE TABLE accounts (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  timezone text NOT NULL DEFAULT 'UTC',
  created_at bigint NOT NULL
);
CREATE TABLE users (                       -- a person; not account-scoped: memberships are
  id bigint PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  password_hash text,                      -- PHC string (argon2id); null: cannot sign in by password
  created_at bigint NOT NULL
);
CREATE TABLE memberships (
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  user_id bigint NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner','admin','editor','viewer')),
  PRIMARY KEY (account_id, user_id)
);
CREATE TABLE api_keys (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  name text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('read','write','admin')),
  secret_hash bytea NOT NULL UNIQUE,       -- SHA-256 of the whole key
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint
);
CREATE TABLE monitors (
  id bigint PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9-]{1,64}$'),
  name text NOT NULL,
  target text NOT NULL,
  kind smallint NOT NULL,
  interval_s integer NOT NULL CHECK (interval_s BETWEEN 1 AND 86400),
  timeout_ms integer NOT NULL CHECK (timeout_ms BETWEEN 100 AND 60000),
  confirm jsonb NOT NULL,
  suspicion_ms integer NOT NULL DEFAULT 0, -- how long a suspicion may last by `confirm`; never counted below interval + timeout + 30 s
  options jsonb NOT NULL DEFAULT '{}',     -- without secrets
  expect jsonb NOT NULL DEFAULT '{}',
  warn jsonb NOT NULL DEFAULT '{}',
  secrets bytea,                           -- sealed (seal/): {"auth.password":…,"headers.X-Key":…}; null: none
  tags text[] NOT NULL DEFAULT '{}',
  paused boolean NOT NULL DEFAULT false,
  timezone text NOT NULL DEFAULT 'UTC',
  public_badge boolean NOT NULL DEFAULT true,
  public_report boolean NOT NULL DEFAULT true,
  show_target boolean NOT NULL DEFAULT false,
  badge_token text NOT NULL UNIQUE,
  report_token text NOT NULL UNIQUE,
  revision integer NOT NULL DEFAULT 1,
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  revised_at bigint NOT NULL,              -- from when this revision holds
  deleted_at bigint
);
CREATE UNIQUE INDEX monitors_slug ON monitors (account_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX monitors_list ON monitors (account_id, id)  -- covers what a list ordered by state or since looks at
  INCLUDE (shard, interval_s, timeout_ms, suspicion_ms, paused, revised_at) WHERE deleted_at IS NULL;
CREATE INDEX monitors_shard ON monitors (shard, id) WHERE deleted_at IS NULL;
CREATE INDEX monitors_tags ON monitors USING gin (tags) WHERE deleted_at IS NULL;
CREATE TABLE idempotency_keys (
  account_id bigint NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  key text NOT NULL,
  route text NOT NULL,
  request_hash bytea NOT NULL,
  status smallint,                         -- null: in progress
  response text,
  created_at bigint NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- ---- monitor-scoped: every key starts with monitor_id, nothing spans two monitors -------------------------------------------------------
CREATE TABLE monitor_versions (            -- append-only (RULES B 7)
  monitor_id bigint NOT NULL,
  revision integer NOT NULL,
  from_at bigint NOT NULL,
  interval_ms integer NOT NULL,
  timeout_ms integer NOT NULL,
  patience jsonb NOT NULL,
  paused boolean NOT NULL,
  regions smallint[] NOT NULL DEFAULT '{1}',
  target_digest bytea NOT NULL,
  PRIMARY KEY (monitor_id, revision)
);
CREATE TABLE standings (
  monitor_id bigint NOT NULL,
  region smallint NOT NULL,
  version integer NOT NULL,
  health smallint NOT NULL,
  booked smallint NOT NULL,
  health_since bigint NOT NULL,
  booked_since bigint NOT NULL,
  pending_since bigint,
  PRIMARY KEY (monitor_id, region)
);
CREATE INDEX standings_booked ON standings (booked, monitor_id) WHERE booked <> 1;  -- not up: what lists are asked for
CREATE TABLE spans (
  monitor_id bigint NOT NULL,
  region smallint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint,                            -- null: open
  state smallint NOT NULL,
  cause smallint NOT NULL DEFAULT 0,
  gap smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (monitor_id, region, from_at),
  CHECK (to_at > from_at)
);
CREATE UNIQUE INDEX spans_open ON spans (monitor_id, region) WHERE to_at IS NULL;
CREATE TABLE flips (                       -- a settled change of health; also the outbox entry (RULES B 9)
  monitor_id bigint NOT NULL,
  version integer NOT NULL,
  region smallint NOT NULL,
  from_state smallint NOT NULL,
  to_state smallint NOT NULL,
  at bigint NOT NULL,
  settled_at bigint NOT NULL,
  cause smallint NOT NULL DEFAULT 0,
  gap smallint NOT NULL DEFAULT 0,
  recorded_at bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  fanned_at bigint,
  PRIMARY KEY (monitor_id, region, version)
);
CREATE INDEX flips_unfanned ON flips (recorded_at) WHERE fanned_at IS NULL;
CREATE TABLE results (                     -- partitioned by day of slot_at; made ahead by the keeper (RULES A 6)
  monitor_id bigint NOT NULL,
  slot_at bigint NOT NULL,
  start_ms integer NOT NULL,               -- started_at − slot_at
  dns_us integer NOT NULL,                 -- −1: phase not reached
  connect_us integer NOT NULL,
  tls_us integer NOT NULL,
  wait_us integer NOT NULL,
  transfer_us integer NOT NULL,
  total_us integer NOT NULL,
  revision integer NOT NULL,
  look integer NOT NULL,
  covered integer NOT NULL,
  code integer NOT NULL,
  region smallint NOT NULL,
  verdict smallint NOT NULL,               -- 0: missed, then cause is a gap reason
  cause smallint NOT NULL,
  phase smallint NOT NULL,
  trigger smallint NOT NULL,
  detail text                              -- only when not ok
) PARTITION BY RANGE (slot_at);
CREATE UNIQUE INDEX results_key ON results (monitor_id, region, slot_at, look);
CREATE TABLE evidence (                    -- RULES B 13; partitioned by 30 days of slot_at
  monitor_id bigint NOT NULL,
  region smallint NOT NULL,
  slot_at bigint NOT NULL,
  look integer NOT NULL,
  body jsonb NOT NULL
) PARTITION BY RANGE (slot_at);
CREATE UNIQUE INDEX evidence_key ON evidence (monitor_id, region, slot_at, look);
CREATE TABLE late_observations (           -- what could not conclude (RULES A 1): the shard's present owner amends the open past
  monitor_id bigint NOT NULL,
  region smallint NOT NULL,
  oldest_at bigint NOT NULL,
  queued_at bigint NOT NULL,
  resync boolean NOT NULL DEFAULT false,   -- the owner's own conclusion was refused: its standing is recomputed too
  PRIMARY KEY (monitor_id, region)
);
CREATE TABLE corrections (
  monitor_id bigint NOT NULL,
  region smallint NOT NULL,
  number integer NOT NULL,
  made_at bigint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  before jsonb NOT NULL,
  after jsonb NOT NULL,
  PRIMARY KEY (monitor_id, region, number)
);
CREATE TABLE commands (                    -- api → scheduler (RULES D 6)
  monitor_id bigint NOT NULL,
  id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('check')),
  created_at bigint NOT NULL,
  taken_at bigint,
  done_at bigint,
  slot_at bigint,                          -- key of the answering result
  look integer,
  PRIMARY KEY (monitor_id, id)
);
CREATE INDEX commands_open ON commands (created_at) WHERE taken_at IS NULL;

-- ---- the service's own ------------------------------------------------------------------------------------------------------------------
CREATE TABLE nodes (
  number smallint PRIMARY KEY CHECK (number BETWEEN 0 AND 1023),
  node text NOT NULL UNIQUE,               -- id in the data directory
  last_id bigint NOT NULL DEFAULT 0,       -- ids are never behind it (RULES C 5)
  seen_at bigint NOT NULL
);
CREATE TABLE leases (                      -- RULES A 1
  region smallint NOT NULL,
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  node text NOT NULL,
  boot text NOT NULL,
  epoch bigint NOT NULL,
  since_epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (region, shard)
);
CREATE TABLE shard_marks (
  region smallint NOT NULL,
  shard smallint NOT NULL,
  observed_through bigint NOT NULL,
  PRIMARY KEY (region, shard)
);
CREATE TABLE gaps (                        -- RULES B 4; shard −1: one monitor
  monitor_id bigint NOT NULL DEFAULT 0,
  region smallint NOT NULL,
  shard smallint NOT NULL DEFAULT -1,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  reason smallint NOT NULL,
  blind boolean NOT NULL DEFAULT false,
  PRIMARY KEY (monitor_id, region, shard, from_at, reason)
);
CREATE INDEX gaps_shard ON gaps (region, shard, from_at);
CREATE INDEX gaps_blind ON gaps (shard, to_at) WHERE blind AND monitor_id = 0;
CREATE TABLE recorder_streams (            -- RULES A 2
  node text PRIMARY KEY,
  seq bigint NOT NULL
);
CREATE TABLE monitor_changes (             -- change feed (RULES C 4); trimmed by the keeper
  monitor_id bigint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  shard smallint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at bigint NOT NULL,
  PRIMARY KEY (monitor_id, id)
);
CREATE INDEX monitor_changes_feed ON monitor_changes (xid, id);
CREATE TABLE storage_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  packed_through bigint NOT NULL DEFAULT 0
);
INSERT INTO storage_mark DEFAULT VALUES;
