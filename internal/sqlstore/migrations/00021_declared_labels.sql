-- +goose Up
-- Whether only a class map names the label: no box or image of the entry
-- bears it.
ALTER TABLE dataset_labels ADD COLUMN declared BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE dataset_labels DROP COLUMN declared;
