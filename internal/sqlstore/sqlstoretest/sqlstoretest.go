// Package sqlstoretest opens databases for tests of what stands on sqlstore.
package sqlstoretest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mimeo/internal/sqlstore"
)

// Open opens an empty database in a directory of its own, until the test ends.
func Open(t testing.TB) *sqlstore.DB {
	t.Helper()
	return OpenIn(t, t.TempDir())
}

// OpenIn opens the database in dir, until the test ends. One that is not there
// yet begins as a copy of a migrated one, which is made once in a process. A
// test survives no power cut, so nothing waits for the disk; a benchmark's
// database is as a server's.
func OpenIn(t testing.TB, dir string) *sqlstore.DB {
	t.Helper()
	_, benchmark := t.(*testing.B)
	file := filepath.Join(dir, "mimeo.db")
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		migrated, err := empty()
		if err == nil {
			err = os.WriteFile(file, migrated, 0o600)
		}
		if err != nil {
			t.Fatalf("begin a database: %v", err)
		}
	}
	db, err := sqlstore.OpenWith(t.Context(), dir, sqlstore.Options{NoSync: !benchmark})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

// empty is the file of a database that has been migrated and holds nothing.
var empty = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "mimeo-empty-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := sqlstore.OpenWith(context.Background(), dir, sqlstore.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // what is in the log goes to the file
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "mimeo.db"))
})
