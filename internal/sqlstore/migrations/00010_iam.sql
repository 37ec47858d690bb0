-- +goose Up
-- Users and roles. content is what IAM keeps of one beside its name: policies, tags, trust.
CREATE TABLE iam_entities (
    id        TEXT   NOT NULL PRIMARY KEY,
    partition TEXT   NOT NULL,
    account   TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind      TEXT   NOT NULL,
    folded    TEXT   NOT NULL, -- the name in lower case: names differ by more than case
    name      TEXT   NOT NULL,
    path      TEXT   NOT NULL,
    content   TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    UNIQUE (partition, account, kind, folded)
);

CREATE TABLE iam_policies (
    arn             TEXT   NOT NULL PRIMARY KEY,
    id              TEXT   NOT NULL,
    partition       TEXT   NOT NULL,
    account         TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    folded          TEXT   NOT NULL,
    path            TEXT   NOT NULL,
    description     TEXT   NOT NULL,
    tags            TEXT   NOT NULL,
    default_version BIGINT NOT NULL,
    last_version    BIGINT NOT NULL,
    created         BIGINT NOT NULL,
    updated         BIGINT NOT NULL,
    UNIQUE (partition, account, folded)
);

CREATE TABLE iam_policy_versions (
    policy   TEXT   NOT NULL REFERENCES iam_policies (arn) ON DELETE CASCADE,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    PRIMARY KEY (policy, version)
);

-- Which managed policies an entity has, as permissions or as its boundary.
CREATE TABLE iam_uses (
    entity   TEXT    NOT NULL REFERENCES iam_entities (id) ON DELETE CASCADE,
    policy   TEXT    NOT NULL,
    boundary BOOLEAN NOT NULL,
    PRIMARY KEY (entity, policy, boundary)
);

CREATE INDEX iam_uses_policy ON iam_uses (policy);

-- The entity is empty where the account's root has the session.
CREATE TABLE iam_sessions (
    id      TEXT   NOT NULL PRIMARY KEY,
    account TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    entity  TEXT   NOT NULL,
    sealed  BYTEA  NOT NULL,
    content TEXT   NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX iam_sessions_entity ON iam_sessions (entity);
CREATE INDEX iam_sessions_expires ON iam_sessions (expires);

-- The entity is empty where the account's root has the key.
ALTER TABLE access_keys ADD COLUMN entity TEXT NOT NULL DEFAULT '';
ALTER TABLE access_keys ADD COLUMN active BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE access_keys ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_keys ADD COLUMN used_service TEXT NOT NULL DEFAULT '';
ALTER TABLE access_keys ADD COLUMN used_region TEXT NOT NULL DEFAULT '';

CREATE INDEX access_keys_entity ON access_keys (entity);

-- +goose Down
DROP INDEX access_keys_entity;
ALTER TABLE access_keys DROP COLUMN used_region;
ALTER TABLE access_keys DROP COLUMN used_service;
ALTER TABLE access_keys DROP COLUMN used;
ALTER TABLE access_keys DROP COLUMN active;
ALTER TABLE access_keys DROP COLUMN entity;
DROP TABLE iam_sessions;
DROP TABLE iam_uses;
DROP TABLE iam_policy_versions;
DROP TABLE iam_policies;
DROP TABLE iam_entities;
