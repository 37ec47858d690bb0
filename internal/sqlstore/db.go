// Package sqlstore keeps all metadata in SQL and implements each service's
// Store. Its SQL is one text for SQLite and PostgreSQL: $n parameters and the
// types TEXT, BIGINT, BOOLEAN and BYTEA only. Times are epoch milliseconds.
//
// Every service's store is a small type of its own over the same DB, in the
// file of its name.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A DB is the metadata database of one data directory.
type DB struct {
	writer *sql.DB // one connection; every transaction begins IMMEDIATE
	reader *sql.DB
}

// Open opens, and where needed creates and migrates, the database in dir.
func Open(ctx context.Context, dir string) (*DB, error) {
	file := "file:" + filepath.Join(dir, "mimeo.db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	writer, err := sql.Open("sqlite", file+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open database in %s: %w", dir, err)
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", file+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database in %s: %w", dir, err), writer.Close())
	}
	db := &DB{writer: writer, reader: reader}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate database in %s: %w", dir, err), db.Close())
	}
	return db, nil
}

func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.writer, files)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// Close closes the database.
func (db *DB) Close() error { return errors.Join(db.reader.Close(), db.writer.Close()) }

// A tx is a write transaction.
type tx struct {
	*sql.Tx
}

// write runs fn in a write transaction: all of it happens, or nothing.
func (db *DB) write(ctx context.Context, fn func(*tx) error) error {
	t, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = t.Rollback() }() // no effect after a commit
	if err := fn(&tx{t}); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
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
