-- +goose Up
-- The lines of the manifests that a running training works on. refused says
-- why a line is none; its text is empty then.
CREATE TABLE training_lines (
    version  TEXT   NOT NULL REFERENCES versions (arn),
    type     TEXT   NOT NULL,
    position BIGINT NOT NULL,
    line     TEXT   NOT NULL,
    refused  TEXT   NOT NULL,
    PRIMARY KEY (version, type, position)
);

-- +goose Down
DROP TABLE training_lines;
