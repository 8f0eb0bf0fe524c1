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
