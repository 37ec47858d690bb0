-- +goose Up
-- What kind of key it is: until now all were symmetric.
ALTER TABLE kms_keys ADD COLUMN spec TEXT NOT NULL DEFAULT 'SYMMETRIC_DEFAULT';

-- +goose Down
ALTER TABLE kms_keys DROP COLUMN spec;
