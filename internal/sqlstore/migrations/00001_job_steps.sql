-- +goose Up
CREATE TABLE job_steps (
    job    BIGINT NOT NULL,
    name   TEXT   NOT NULL,
    result TEXT   NOT NULL,
    PRIMARY KEY (job, name)
);

-- +goose Down
DROP TABLE job_steps;
