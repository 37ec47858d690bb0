-- +goose Up
-- The policy of a bucket, as it was put; empty: none. It is read with the
-- bucket, which every request to S3 reads.
ALTER TABLE buckets ADD COLUMN policy TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE buckets DROP COLUMN policy;
