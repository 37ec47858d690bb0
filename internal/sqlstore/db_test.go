package sqlstore_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"mimeo/internal/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func TestOpenLocksTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	if _, err := sqlstore.Open(t.Context(), dir); !errors.Is(err, sqlstore.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second Open: %v, want ErrInUse that names %s", err, dir)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenOddDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b%20?c#d&e=f", "not there yet")
	open(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "mimeo.db")); err != nil {
		t.Errorf("the database is not in its directory: %v", err)
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "mimeo.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlstore.Open(t.Context(), dir); err == nil {
		t.Errorf("Open took a damaged database (Close: %v)", db.Close())
	}
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	if err := errors.Join(db.ComeFromTheFuture(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlstore.Open(t.Context(), dir); err == nil {
		t.Errorf("Open took a newer database (Close: %v)", db.Close())
	} else if !strings.Contains(err.Error(), "newer mimeo") {
		t.Errorf("Open of a newer database: %v", err)
	}
}

// Every connection is durable and keeps references whole.
func TestSettings(t *testing.T) {
	t.Parallel()
	const full = "2"
	for pool, got := range open(t, t.TempDir()).Settings(t) {
		want := map[string]string{"journal_mode": "wal", "synchronous": full, "foreign_keys": "1", "query_only": "0"}
		if pool == "reader" {
			want["query_only"] = "1"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the settings of the %s (-want +got):\n%s", pool, diff)
		}
	}
}

// modernc.org/libc is the C library that modernc.org/sqlite was translated
// against: another version may corrupt data.
func TestLibcIsSQLitesOwn(t *testing.T) {
	t.Parallel()
	sqliteDir := output(t, "go", "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite")
	want := required(t, filepath.Join(sqliteDir, "go.mod"))
	if got := output(t, "go", "list", "-m", "-f", "{{.Version}}", "modernc.org/libc"); got != want {
		t.Errorf("modernc.org/libc is %s, but this modernc.org/sqlite needs exactly %s", got, want)
	}
}

func required(t *testing.T, file string) string {
	t.Helper()
	mod, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == "modernc.org/libc" {
			return fields[1]
		}
	}
	t.Fatalf("%s does not require modernc.org/libc", file)
	return ""
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
