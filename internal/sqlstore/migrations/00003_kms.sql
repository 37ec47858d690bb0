-- +goose Up
CREATE TABLE kms_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    partition   TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    account     TEXT   NOT NULL,
    manager     TEXT   NOT NULL,
    description TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    delete_at   BIGINT NOT NULL,
    policy      TEXT   NOT NULL,
    tags        TEXT   NOT NULL,
    material    BYTEA  NOT NULL
);

CREATE INDEX kms_keys_namespace ON kms_keys (partition, region, account, id);
CREATE INDEX kms_keys_delete_at ON kms_keys (delete_at);

CREATE TABLE kms_aliases (
    partition TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    key_id    TEXT   NOT NULL REFERENCES kms_keys (id) ON DELETE CASCADE,
    created   BIGINT NOT NULL,
    PRIMARY KEY (partition, region, account, name)
);

CREATE INDEX kms_aliases_key ON kms_aliases (key_id);

CREATE TABLE kms_grants (
    id          TEXT   NOT NULL PRIMARY KEY,
    key_id      TEXT   NOT NULL REFERENCES kms_keys (id) ON DELETE CASCADE,
    key_arn     TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    grantee     TEXT   NOT NULL,
    retiring    TEXT   NOT NULL,
    issuer      TEXT   NOT NULL,
    operations  TEXT   NOT NULL,
    constraints TEXT   NOT NULL,
    bound       TEXT   NOT NULL
);

CREATE INDEX kms_grants_key ON kms_grants (key_id, grantee, bound, id);
CREATE INDEX kms_grants_name ON kms_grants (name, key_id, grantee, retiring);

-- +goose Down
DROP TABLE kms_grants;
DROP TABLE kms_aliases;
DROP TABLE kms_keys;
