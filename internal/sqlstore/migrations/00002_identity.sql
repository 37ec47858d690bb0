-- +goose Up
CREATE TABLE accounts (
    id      TEXT   NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id      TEXT   NOT NULL PRIMARY KEY,
    account TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sealed  BYTEA  NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX access_keys_account ON access_keys (account);

-- +goose Down
DROP TABLE access_keys;
DROP TABLE accounts;
