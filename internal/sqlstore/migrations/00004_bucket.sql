-- +goose Up
CREATE TABLE buckets (
    partition TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    PRIMARY KEY (partition, name)
);

CREATE INDEX buckets_account ON buckets (partition, account, name);

-- Keys are bytes, so that they are listed in the order of their bytes.
CREATE TABLE objects (
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
    UNIQUE (partition, bucket, key),
    FOREIGN KEY (partition, bucket) REFERENCES buckets (partition, name)
);

-- An upload is an object that is not yet one: size and etag are empty.
CREATE TABLE uploads (
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
    FOREIGN KEY (partition, bucket) REFERENCES buckets (partition, name)
);

CREATE INDEX uploads_key ON uploads (partition, bucket, key, id);

-- The owner of a part is an upload, and then the object of the same id.
CREATE TABLE parts (
    owner       TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    etag        TEXT   NOT NULL,
    modified    BIGINT NOT NULL,
    checksums   TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    wrapped_key BYTEA  NOT NULL,
    PRIMARY KEY (owner, number)
);

CREATE INDEX parts_digest ON parts (digest);

-- +goose Down
DROP TABLE parts;
DROP TABLE uploads;
DROP TABLE objects;
DROP TABLE buckets;
