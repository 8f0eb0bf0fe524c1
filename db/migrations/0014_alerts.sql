-- Alerts, continued.
--
-- A lease tells whose it is, so that a node that was killed and is started again takes up at once what it held: its data directory's lock
-- proves that the former process is dead (as with the leases of shards, RULES A 1). Others wait for the end of the lease.
ALTER TABLE deliveries ADD COLUMN lease_node text;
CREATE INDEX deliveries_leased ON deliveries (lease_node) WHERE state = 1 AND lease_until IS NOT NULL;

-- When a node was blind (scheduler/sight.h), and that somebody was told. The service's own: closed to the api.
CREATE TABLE blindness (
  node text NOT NULL,
  from_at bigint NOT NULL,
  over text NOT NULL,                      -- "IPv4 and IPv6"
  to_at bigint,                            -- null: it lasts, or the node went away in it
  told_at bigint,
  PRIMARY KEY (node, from_at)
);
CREATE INDEX blindness_untold ON blindness (from_at) WHERE told_at IS NULL;
REVOKE ALL ON blindness FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON blindness TO {{worker}};
GRANT SELECT ON blindness TO {{backup}};

-- A monitor names its parents by tags: parent:SLUG. Its DOWN and its reminders wait while one of them is down or suspected to be, and until
-- its own next look after that; at most six hours, so that parents that name each other in a circle leave nobody untold. A parent that
-- names this monitor too holds nothing. Plain SQL, so that the planner inlines it.
CREATE FUNCTION held_by_parent(monitor bigint, at bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM public.monitors h CROSS JOIN LATERAL unnest(h.tags) AS t(tag)
      JOIN public.monitors p ON p.account_id = h.account_id AND p.slug = substr(t.tag, 8) AND p.deleted_at IS NULL AND NOT p.paused
    WHERE h.id = monitor AND t.tag LIKE 'parent:%' AND p.id <> h.id AND NOT p.tags @> ARRAY['parent:' || h.slug] AND (
      EXISTS (SELECT 1 FROM public.incidents i WHERE i.monitor_id = p.id AND i.confirmed_at > at - 21600000 AND
              (i.ended_at IS NULL OR i.ended_at > at - h.interval_s * 1000::bigint - 30000)) OR
      EXISTS (SELECT 1 FROM public.standings s WHERE s.monitor_id = p.id AND s.region = 1::smallint AND s.health <> 3 AND
              s.pending_since > at - 600000)))
$$;
REVOKE ALL ON FUNCTION held_by_parent(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_by_parent(bigint, bigint) TO {{worker}};
