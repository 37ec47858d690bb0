-- +goose Up
-- Where an account wants to hear of its versions. last numbers the events that
-- were ever meant for the target.
CREATE TABLE event_targets (
    id        TEXT   NOT NULL PRIMARY KEY,
    partition TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    url       TEXT   NOT NULL,
    sealed    BYTEA  NOT NULL,
    types     TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    last      BIGINT NOT NULL,
    UNIQUE (partition, region, account, name)
);

-- Events that are still to be delivered, and those that were given up (died
-- is not 0). Of a target and version there is a job for the first one that
-- waits, and for no other.
CREATE TABLE event_deliveries (
    target   TEXT   NOT NULL REFERENCES event_targets (id),
    position BIGINT NOT NULL,
    version  TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    type     TEXT   NOT NULL,
    body     TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    problem  TEXT   NOT NULL,
    died     BIGINT NOT NULL,
    PRIMARY KEY (target, position)
);
CREATE INDEX event_deliveries_by_version ON event_deliveries (target, version, died, position);
CREATE INDEX event_deliveries_by_death ON event_deliveries (target, died, position);

-- +goose Down
DROP TABLE event_deliveries;
DROP TABLE event_targets;
