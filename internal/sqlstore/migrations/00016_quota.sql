-- +goose Up
-- The quotas of an account that are not the standard ones.
CREATE TABLE quotas (
    account TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    value   BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

-- +goose Down
DROP TABLE quotas;
