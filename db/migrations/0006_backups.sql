-- What a backup needs (docs/DATA.md, "Backup"): the role backup reads every table and sequence, those too that are made later (partitions,
-- further migrations); pg_dump locks each of them and fails where it may not read. And when the last backups were taken, so that their age
-- can be watched from any node.

CREATE TABLE backups (
  taken_at bigint PRIMARY KEY,             -- the instant of its snapshot
  schema_version integer NOT NULL,
  row_count bigint NOT NULL,
  byte_count bigint NOT NULL               -- on disk
);
REVOKE ALL ON backups FROM PUBLIC;
GRANT SELECT ON backups TO {{worker}};

GRANT SELECT ON ALL TABLES IN SCHEMA public TO {{backup}};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {{backup}};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {{backup}};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO {{backup}};
