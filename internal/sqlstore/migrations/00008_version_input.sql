-- +goose Up
-- What the request named to train and test with, as JSON.
ALTER TABLE versions ADD COLUMN input TEXT NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE versions DROP COLUMN input;
