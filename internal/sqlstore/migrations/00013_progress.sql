-- +goose Up
-- How the copies into an account are made, where an operator has said it.
CREATE TABLE copy_modes (
    account TEXT NOT NULL PRIMARY KEY,
    mode    TEXT NOT NULL
);

-- The job of a copy, and how far it has come, as JSON.
CREATE TABLE copies (
    version  TEXT   NOT NULL PRIMARY KEY,
    job      BIGINT NOT NULL,
    progress TEXT   NOT NULL DEFAULT '{}'
);

-- +goose Down
DROP TABLE copies;
DROP TABLE copy_modes;
