-- +goose Up
-- The sealed bytes of a small part. NULL: they are a blob.
ALTER TABLE parts ADD COLUMN sealed BYTEA;

-- +goose Down
ALTER TABLE parts DROP COLUMN sealed;
