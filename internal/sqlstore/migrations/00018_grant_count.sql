-- +goose Up
-- How many grants a key has: to count them would take as long as there are
-- many, in the transaction of every copy under the key.
ALTER TABLE kms_keys ADD COLUMN grants BIGINT NOT NULL DEFAULT 0;
UPDATE kms_keys SET grants = (SELECT COUNT(*) FROM kms_grants WHERE key_id = kms_keys.id);

-- +goose Down
ALTER TABLE kms_keys DROP COLUMN grants;
