-- +goose Up
-- Which copy answers a call of CopyProjectVersion, for as long as the call may
-- be attempted again.
CREATE TABLE invocations (
    name    TEXT   NOT NULL PRIMARY KEY,
    version TEXT   NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX invocations_by_end ON invocations (expires);

-- +goose Down
DROP TABLE invocations;
