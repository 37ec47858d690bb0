package apptest_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	_ "modernc.org/sqlite" // opens the database of a server that is not running

	"mimeo/internal/apptest"
)

// BenchmarkVersions measures the same requests in an account with a hundred
// versions in one project, and with a hundred thousand in a thousand.
func BenchmarkVersions(b *testing.B) {
	for _, projects := range []int{1, 1000} {
		b.Run(fmt.Sprint(projects*versionsEach), func(b *testing.B) {
			dir := b.TempDir()
			s := apptest.Start(b, apptest.Options{DataDir: dir, Families: light})
			c := newCopying(b, s)
			c.copyOnce(c.to, "v")
			s.Stop()
			multiply(b, dir, projects)
			again := apptest.Start(b, apptest.Options{DataDir: dir, Families: light})
			c.to = &side{Client: again.At(c.to.Client), t: b, bucket: c.to.bucket, project: c.to.project}
			last := &side{Client: c.to.Client, t: b, project: clone(c.to.project, projects-1)}
			measureVersions(b, c, last)
		})
	}
}

func measureVersions(b *testing.B, c copying, full *side) {
	b.Helper()
	page := func(in rekognition.DescribeProjectVersionsInput) *rekognition.DescribeProjectVersionsOutput {
		in.ProjectArn = &full.project
		out, err := full.Rekognition.DescribeProjectVersions(b.Context(), &in)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	b.Run("describe", func(b *testing.B) {
		quantiles(b, func(i int) time.Duration {
			return since(func() { full.version(fmt.Sprintf("v-%03d", i%versionsEach)) })
		})
	})
	b.Run("first-page", func(b *testing.B) {
		quantiles(b, func(int) time.Duration {
			return since(func() { page(rekognition.DescribeProjectVersionsInput{MaxResults: aws.Int32(10)}) })
		})
	})
	b.Run("last-page", func(b *testing.B) {
		token := page(rekognition.DescribeProjectVersionsInput{MaxResults: aws.Int32(versionsEach - 10)}).NextToken
		quantiles(b, func(int) time.Duration {
			return since(func() { page(rekognition.DescribeProjectVersionsInput{MaxResults: aws.Int32(10), NextToken: token}) })
		})
	})
	b.Run("copy", func(b *testing.B) {
		quantiles(b, func(i int) time.Duration {
			return since(func() { c.copyOnce(c.to, fmt.Sprint("copy-", i)) })
		})
	})
}

// versionsEach is how many versions a project may have by default.
const versionsEach = 100

// clone is the ARN of the nth project that multiply makes of one.
func clone(project string, n int) string {
	return strings.Replace(project, "project/production/", fmt.Sprintf("project/production-%04d/", n), 1)
}

// multiply makes projects of the project "production", and in each of them
// versions of its version "v" with all of their artifacts. It is SQL on the
// database of a server that is stopped: a hundred thousand copies would take
// an hour.
func multiply(b *testing.B, dir string, projects int) {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "mimeo.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		b.Fatal(err)
	}
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	const (
		counter = `WITH RECURSIVE p(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM p WHERE n + 1 < $1), v(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM v WHERE n + 1 < $2) `
		project = `replace(%s, 'project/production/', printf('project/production-%%04d/', p.n))`
		version = `replace(` + project + `, 'version/v/', printf('version/v-%%03d/', v.n))`
	)
	for _, table := range []struct {
		name, from, where string
		changed           map[string]string
	}{
		{"projects", "p", "name = 'production'", map[string]string{
			"arn": fmt.Sprintf(project, "arn"), "name": `printf('production-%04d', p.n)`, "created": "created + p.n",
		}},
		{"versions", "p, v", "name = 'v'", map[string]string{
			"arn": fmt.Sprintf(version, "arn"), "project": fmt.Sprintf(project, "project"), "name": `printf('v-%03d', v.n)`, "created": "created + v.n",
		}},
		{"artifacts", "p, v", "version LIKE '%project/production/version/v/%'", map[string]string{"version": fmt.Sprintf(version, "version")}},
	} {
		columns := columnsOf(b.Context(), b, tx, table.name)
		values := slices.Clone(columns)
		for i, name := range columns {
			if change, ok := table.changed[name]; ok {
				values[i] = change
			}
		}
		statement := fmt.Sprintf(`%s INSERT INTO %s (%s) SELECT %s FROM %s, %s WHERE %s`, counter, table.name,
			strings.Join(columns, ", "), strings.Join(values, ", "), table.name, table.from, table.where)
		if _, err := tx.ExecContext(b.Context(), statement, projects, versionsEach); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	var made int
	if err := db.QueryRowContext(b.Context(), `SELECT COUNT(*) FROM versions WHERE name LIKE 'v-%'`).Scan(&made); err != nil || made != projects*versionsEach {
		b.Fatalf("%d versions were made, %v; want %d", made, err, projects*versionsEach)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

func columnsOf(ctx context.Context, b *testing.B, tx *sql.Tx, table string) (columns []string) {
	b.Helper()
	rows, err := tx.QueryContext(ctx, `SELECT name FROM pragma_table_info($1)`, table)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
		columns = append(columns, name)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return columns
}
