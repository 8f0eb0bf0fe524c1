-- Alerts, continued.
--
-- A lease tells whose it is, so that a node that was killed and is started again takes up at once what it held: its data directory's lock
-- proves that the former process is dead (as with the leases of shards, RULES A 1). Others wait for the end of the lease.
ALTER TABLE deliveries ADD COLUMN lease_node text;
CREATE INDEX deliveries_leased ON deliveries (lease_node) WHERE state = 1 AND lease_until IS NOT NULL;
