-- +goose Up
-- What remains of a version that was deleted and that was copied, or was a
-- copy itself. Digests are those of its artifacts by role, as JSON.
CREATE TABLE tombstones (
    arn     TEXT   NOT NULL PRIMARY KEY,
    project TEXT   NOT NULL,
    source  TEXT   NOT NULL,
    created BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    kms_key TEXT   NOT NULL,
    digests TEXT   NOT NULL
);
CREATE INDEX tombstones_by_source ON tombstones (source, arn);
CREATE INDEX versions_by_source ON versions (source, arn);

-- +goose Down
DROP INDEX versions_by_source;
DROP TABLE tombstones;
