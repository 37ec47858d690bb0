package sqlstore_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/events"
)

var changesStatus = regexp.MustCompile(`(?s)UPDATE versions SET[^;]*\bstatus =|INSERT INTO versions|DELETE FROM versions\b`)

// TestEveryChangeOfAStatusIsAnnounced reads this package: a function that
// changes a version's status in SQL writes the events in the same transaction.
func TestEveryChangeOfAStatusIsAnnounced(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			changes, announces := false, false
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit:
					changes = changes || n.Kind == token.STRING && changesStatus.MatchString(n.Value)
				case *ast.SelectorExpr:
					announces = announces || n.Sel.Name == "announce"
				}
				return true
			})
			if changes {
				found++
			}
			if changes && !announces {
				t.Errorf("%s: %s changes the status of a version and does not announce it", name, fn.Name.Name)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d functions that change a status were found, want 5 or more", found)
	}
}

// TestWhatWaitsForATargetIsBounded: of the dead the newest 1,000 are kept, and
// while 10,000 wait the next one is dead at once.
func TestWhatWaitsForATargetIsBounded(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	v := insertSource(t, db, p, "v")
	target := events.Target{ID: "t", Namespace: p.Namespace, Name: "t", URL: "https://example.com/", Sealed: []byte("s"), Created: epoch}
	if err := db.Events().PutTarget(t.Context(), target, 1); err != nil {
		t.Fatal(err)
	}
	for _, fill := range []struct {
		n    int
		died time.Time
	}{{1005, epoch}, {10_000, time.Time{}}} {
		if err := db.FillDeliveries(t.Context(), target.ID, v, fill.n, fill.died); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Versions().SetStatus(t.Context(), v.ARN, []customlabels.Status{v.Status}, customlabels.Deleting, ""); err != nil {
		t.Fatal(err)
	}
	dead, err := db.Events().DeadEvents(t.Context(), target.ID, 0, 2000)
	if err != nil || len(dead) != 1000 || dead[0].Position != 7 {
		t.Fatalf("%d dead events are kept, %v; want 1000", len(dead), err)
	}
	if last := dead[999]; last.Type != events.TypeOf(customlabels.Deleting) || !strings.Contains(last.Problem, "Too many") {
		t.Errorf("the last dead event: %+v", last)
	}
	if now, err := db.Events().Target(t.Context(), p.Namespace, "t"); err != nil || now.Waiting != 10_000 || now.Dead != 1000 {
		t.Errorf("%d wait and %d are dead, %v; want 10000 and 1000", now.Waiting, now.Dead, err)
	}
}
