// Package sqlstore keeps all metadata in SQL and implements each service's
// Store. Its SQL is one text for SQLite and PostgreSQL: $n parameters and the
// types TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA only. Times are epoch
// milliseconds.
//
// Every service's store is a small type of its own over the same DB, in the
// file of its name.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"mimeo/internal/job"
	"mimeo/internal/sqlite"
)

// A DB is the metadata database of one data directory. Writers take turns on
// one connection, which River shares: they queue in the order they came,
// where SQLite's own lock would let them poll.
type DB struct {
	options Options
	lock    *flock.Flock
	writer  *sql.DB // one connection; every transaction begins IMMEDIATE
	group   group   // the writes through writer
	reader  *sql.DB
	queue   *job.Queue
}

// ErrInUse is returned by [Open] while another process has the directory.
var ErrInUse = errors.New("the data directory is in use by another mimeo process")

// Options are what tests change. The zero value works.
type Options struct {
	Driver string // of database/sql, around [sqlite.Driver]; empty: that itself
	// NoSync lets commits not wait for the disk: a power cut may lose them,
	// the death of the process does not.
	NoSync bool
}

// Open is [OpenWith] the zero options.
func Open(ctx context.Context, dir string) (*DB, error) { return OpenWith(ctx, dir, Options{}) }

// OpenWith opens, and where needed creates and migrates, the database in dir. It
// locks dir for this process, checks the database's integrity and refuses one
// that a newer mimeo has written.
func OpenWith(ctx context.Context, dir string, o Options) (*DB, error) {
	dir, err := filepath.Abs(dir) // a relative one would be the host in SQLite's URI
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "mimeo.lock"), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	case !locked:
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	db := &DB{options: o, lock: lock}
	if err := db.open(ctx, filepath.Join(dir, "mimeo.db")); err != nil {
		return nil, errors.Join(fmt.Errorf("open database in %s: %w", dir, err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, file string) (err error) {
	if err := claim(file); err != nil {
		return err
	}
	if db.writer, err = db.pool(file, url.Values{"_txlock": {"immediate"}}); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	db.group.pool = db.writer
	if err := checkIntegrity(ctx, db.writer); err != nil {
		return err
	}
	if err := migrate(ctx, db.writer); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if db.reader, err = db.pool(file, url.Values{"_pragma": {"query_only(1)"}}); err != nil {
		return err
	}
	db.reader.SetMaxOpenConns(8)
	db.reader.SetMaxIdleConns(8) // a connection that is closed forgets its statements
	db.queue, err = job.NewQueue(db.writer)
	return err
}

func (db *DB) pool(file string, more url.Values) (*sql.DB, error) {
	source := db.options.source(file, more)
	if db.options.Driver == "" {
		return sqlite.Open(source), nil
	}
	return sql.Open(db.options.Driver, source)
}

// claim makes the file ours alone; SQLite gives its other files the same mode.
func claim(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// checkpoints lets the write-ahead log grow to 32 MB before it is moved into the
// database: pages that many transactions change are moved once.
const checkpoints = "wal_autocheckpoint(8000)"

// source is the data source name of file, with the settings that every
// connection has.
func (o Options) source(file string, more url.Values) string {
	synchronous := "synchronous(FULL)"
	if o.NoSync {
		synchronous = "synchronous(OFF)"
	}
	more["_pragma"] = append([]string{"busy_timeout(10000)", "journal_mode(WAL)", synchronous, "foreign_keys(1)", checkpoints}, more["_pragma"]...)
	return (&url.URL{Scheme: "file", Path: file, RawQuery: more.Encode()}).String()
}

// checkIntegrity reads the whole database once.
func checkIntegrity(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check integrity: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the database is damaged: %s", verdict)
	}
	return nil
}

// Close closes the database and unlocks the directory.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.lock.Close())...)
}

// changed reports whether a statement changed a row.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// A querier reads: a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// view runs fn, which reads, on one state of the database.
func (db *DB) view(ctx context.Context, fn func(querier) error) error {
	begun, err := db.reader.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = begun.Rollback() }() // nothing was written
	return fn(begun)
}

// millis is how times are stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the time that millis stored.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
