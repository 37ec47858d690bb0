-- +goose Up
CREATE TABLE versions (
    arn              TEXT    NOT NULL PRIMARY KEY,
    partition        TEXT    NOT NULL,
    region           TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    project          TEXT    NOT NULL REFERENCES projects (arn),
    name             TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    status_message   TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    created          BIGINT  NOT NULL,
    output_bucket    TEXT    NOT NULL,
    output_prefix    TEXT    NOT NULL,
    kms_key          TEXT    NOT NULL,
    source           TEXT    NOT NULL,
    min_units        BIGINT  NOT NULL,
    max_units        BIGINT  NOT NULL,
    training_ended   BIGINT  NOT NULL,
    billable_seconds BIGINT  NOT NULL,
    base_model       TEXT    NOT NULL,
    f1               DOUBLE PRECISION NOT NULL,
    files            TEXT    NOT NULL,
    version_key      BYTEA,
    sealing_key      TEXT    NOT NULL,
    version_grant    TEXT    NOT NULL,
    UNIQUE (project, name)
);
CREATE INDEX versions_by_age ON versions (project, created DESC, name DESC);
CREATE INDEX versions_by_status ON versions (status, partition, region, account);

CREATE TABLE artifacts (
    version     TEXT   NOT NULL REFERENCES versions (arn),
    role        TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    wrapped_key BYTEA  NOT NULL,
    verified    BIGINT NOT NULL,
    PRIMARY KEY (version, role)
);
CREATE INDEX artifacts_by_digest ON artifacts (digest);

-- A pin keeps a version from being deleted while a copy reads it.
CREATE TABLE pins (
    version TEXT NOT NULL REFERENCES versions (arn),
    holder  TEXT NOT NULL REFERENCES versions (arn),
    PRIMARY KEY (version, holder)
);

-- +goose Down
DROP TABLE pins;
DROP TABLE artifacts;
DROP TABLE versions;
