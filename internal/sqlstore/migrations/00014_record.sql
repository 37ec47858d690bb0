-- +goose Up
-- The digest of the plain bytes is known when an artifact is sealed; of those
-- sealed before this column was there, when one is first read in full.
ALTER TABLE artifacts ADD COLUMN plain_digest TEXT NOT NULL DEFAULT '';
-- When the stored bytes were found not to be those that were sealed; zero
-- where they were not, or are again.
ALTER TABLE artifacts ADD COLUMN damaged BIGINT NOT NULL DEFAULT 0;
CREATE INDEX artifacts_by_check ON artifacts (verified);

-- The server's keys for signing copy records, the newest signs. Private keys
-- are wrapped with the master key. No key is ever removed: what it signed must
-- stay verifiable.
CREATE TABLE record_keys (
    id      TEXT   NOT NULL PRIMARY KEY,
    public  BYTEA  NOT NULL,
    private BYTEA  NOT NULL,
    created BIGINT NOT NULL
);

-- The signed record of each finished copy. It outlives the version: the
-- records of its copies name it by digest.
CREATE TABLE copy_records (
    version TEXT  NOT NULL PRIMARY KEY,
    record  BYTEA NOT NULL
);

-- +goose Down
DROP TABLE copy_records;
DROP TABLE record_keys;
DROP INDEX artifacts_by_check;
ALTER TABLE artifacts DROP COLUMN damaged;
ALTER TABLE artifacts DROP COLUMN plain_digest;
