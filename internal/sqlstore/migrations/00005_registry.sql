-- +goose Up
CREATE TABLE projects (
    arn       TEXT   NOT NULL PRIMARY KEY,
    partition TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    feature   TEXT   NOT NULL,
    status    TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    UNIQUE (partition, region, account, name)
);
CREATE INDEX projects_by_age ON projects (partition, region, account, created DESC, name DESC);

CREATE TABLE project_policies (
    project  TEXT   NOT NULL REFERENCES projects (arn),
    name     TEXT   NOT NULL,
    revision TEXT   NOT NULL,
    document TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

-- Tags of projects, versions and datasets; resource is the ARN.
CREATE TABLE tags (
    resource TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (resource, key)
);

-- The counts are those of the last finished operation. operation names the
-- one that is under way; it is empty where none is.
CREATE TABLE datasets (
    arn             TEXT   NOT NULL PRIMARY KEY,
    project         TEXT   NOT NULL REFERENCES projects (arn),
    type            TEXT   NOT NULL,
    status          TEXT   NOT NULL,
    status_message  TEXT   NOT NULL,
    message_code    TEXT   NOT NULL,
    operation       TEXT   NOT NULL,
    created         BIGINT NOT NULL,
    updated         BIGINT NOT NULL,
    total_entries   BIGINT NOT NULL,
    labeled_entries BIGINT NOT NULL,
    total_labels    BIGINT NOT NULL,
    error_entries   BIGINT NOT NULL,
    UNIQUE (project, type)
);

-- One line of a manifest. position is its place in the dataset, from 1.
CREATE TABLE dataset_entries (
    dataset    TEXT    NOT NULL REFERENCES datasets (arn),
    source_ref TEXT    NOT NULL,
    position   BIGINT  NOT NULL,
    line       TEXT    NOT NULL,
    errors     TEXT    NOT NULL,
    has_errors BOOLEAN NOT NULL,
    labeled    BOOLEAN NOT NULL,
    PRIMARY KEY (dataset, source_ref)
);
CREATE UNIQUE INDEX dataset_entries_in_order ON dataset_entries (dataset, position);

-- The labels that an entry mentions; boxes is 0 for an image-level label.
CREATE TABLE dataset_labels (
    dataset  TEXT   NOT NULL REFERENCES datasets (arn),
    position BIGINT NOT NULL,
    label    TEXT   NOT NULL,
    boxes    BIGINT NOT NULL,
    PRIMARY KEY (dataset, position, label)
);
CREATE INDEX dataset_labels_by_label ON dataset_labels (dataset, label);

-- The lines of an UpdateDatasetEntries whose job has not finished.
CREATE TABLE dataset_changes (
    dataset TEXT  NOT NULL PRIMARY KEY REFERENCES datasets (arn),
    lines   BYTEA NOT NULL
);

-- +goose Down
DROP TABLE dataset_changes;
DROP TABLE dataset_labels;
DROP TABLE dataset_entries;
DROP TABLE datasets;
DROP TABLE tags;
DROP TABLE project_policies;
DROP TABLE projects;
