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
