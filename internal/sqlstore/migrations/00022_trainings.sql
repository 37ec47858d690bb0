-- +goose Up
-- The job of a training, how far it has come, as JSON, and who has cancelled
-- it; empty: nobody.
CREATE TABLE trainings (
    version   TEXT   NOT NULL PRIMARY KEY,
    job       BIGINT NOT NULL,
    progress  TEXT   NOT NULL DEFAULT '{}',
    cancelled TEXT   NOT NULL DEFAULT ''
);

-- +goose Down
DROP TABLE trainings;
