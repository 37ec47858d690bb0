-- +goose Up
-- Enabled or Suspended; empty: the bucket has never kept versions.
ALTER TABLE buckets ADD COLUMN versioning TEXT NOT NULL DEFAULT '';

-- What was written while no versions are kept is the version null.
ALTER TABLE objects ADD COLUMN version TEXT NOT NULL DEFAULT 'null';
ALTER TABLE uploads ADD COLUMN version TEXT NOT NULL DEFAULT 'null';

-- The versions of an object that are not the current one, and delete markers:
-- the higher the sequence, the newer. Where the newest of all is a marker,
-- there is no row in objects.
CREATE TABLE object_history (
    id                 TEXT    NOT NULL PRIMARY KEY,
    partition          TEXT    NOT NULL,
    bucket             TEXT    NOT NULL,
    key                BYTEA   NOT NULL,
    size               BIGINT  NOT NULL,
    etag               TEXT    NOT NULL,
    modified           BIGINT  NOT NULL,
    headers            TEXT    NOT NULL,
    checksum_algorithm TEXT    NOT NULL,
    checksum           TEXT    NOT NULL,
    composite          BOOLEAN NOT NULL,
    kms_key            TEXT    NOT NULL,
    encryption_context TEXT    NOT NULL,
    wrapped_key        BYTEA   NOT NULL,
    version            TEXT    NOT NULL,
    marker             BOOLEAN NOT NULL,
    sequence           BIGINT  NOT NULL,
    UNIQUE (partition, bucket, key, sequence),
    UNIQUE (partition, bucket, key, version),
    FOREIGN KEY (partition, bucket) REFERENCES buckets (partition, name)
);

-- +goose Down
DROP TABLE object_history;
ALTER TABLE uploads DROP COLUMN version;
ALTER TABLE objects DROP COLUMN version;
ALTER TABLE buckets DROP COLUMN versioning;
