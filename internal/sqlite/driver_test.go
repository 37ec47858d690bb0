package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"mimeo/internal/sqlite"
)

func open(t testing.TB) *sql.DB {
	t.Helper()
	db := sqlite.Open(filepath.Join(t.TempDir(), "test.db"))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	db.SetMaxOpenConns(1)
	run(t, db, `CREATE TABLE pairs (a BIGINT PRIMARY KEY, b TEXT)`)
	return db
}

func run(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

const (
	insert = `INSERT INTO pairs VALUES ($1, $2)`
	all    = `SELECT a, b FROM pairs ORDER BY a`
)

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pairs`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAStatementRunsAgain(t *testing.T) {
	t.Parallel()
	db := open(t)
	for i := range 3 {
		run(t, db, insert, i, fmt.Sprint(i))
		if got := count(t, db); got != i+1 {
			t.Errorf("%d rows, want %d", got, i+1)
		}
	}
}

// A statement that failed leaves nothing behind for its next run.
func TestAStatementRunsAfterItFailed(t *testing.T) {
	t.Parallel()
	db := open(t)
	run(t, db, insert, 1, "one")
	for range 3 {
		if _, err := db.ExecContext(t.Context(), insert, 1, "again"); err == nil {
			t.Fatal("a key is there twice")
		}
		if _, err := db.ExecContext(t.Context(), insert, 2); err == nil {
			t.Fatal("a parameter is missing and the statement runs")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.ExecContext(ended, insert, 3, "three"); err == nil {
			t.Fatal("a statement runs in a context that has ended")
		}
	}
	run(t, db, insert, 2, "two")
	if got := count(t, db); got != 2 {
		t.Errorf("%d rows, want 2", got)
	}
}

// The same text may be run while the rows of its first run are read.
func TestAStatementRunsInsideItself(t *testing.T) {
	t.Parallel()
	db := open(t)
	for i := range 3 {
		run(t, db, insert, i, fmt.Sprint(i))
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	read := func(each func()) (pairs string) {
		rows, err := tx.QueryContext(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var a int
			var b string
			if err := rows.Scan(&a, &b); err != nil {
				t.Fatal(err)
			}
			each()
			pairs += fmt.Sprint(a, "=", b, " ")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return pairs
	}
	const want = "0=0 1=1 2=2 "
	outer := read(func() {
		if got := read(func() {}); got != want {
			t.Errorf("inside: %q, want %q", got, want)
		}
	})
	if outer != want {
		t.Errorf("outside: %q, want %q", outer, want)
	}
}

// A statement that is kept sees the tables as they are now.
func TestAStatementOutlivesAChangeOfItsTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	columns := func() int {
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM pairs`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		names, err := rows.Columns()
		if err != nil || rows.Err() != nil {
			t.Fatal(err, rows.Err())
		}
		return len(names)
	}
	run(t, db, insert, 1, "one")
	if got := columns(); got != 2 {
		t.Errorf("%d columns, want 2", got)
	}
	run(t, db, `ALTER TABLE pairs ADD COLUMN c TEXT`)
	if got := columns(); got != 3 {
		t.Errorf("%d columns after one was added, want 3", got)
	}
}

// More texts than are kept all run.
func TestMoreStatementsThanAreKept(t *testing.T) {
	t.Parallel()
	db := open(t)
	for range 2 {
		for i := range 600 {
			var got int
			if err := db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT %d + $1`, i), 1).Scan(&got); err != nil || got != i+1 {
				t.Fatalf("%d + 1 = %d, %v", i, got, err)
			}
		}
	}
}
