package sqlstore

import (
	"database/sql"
	"encoding"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// text is how a value with a text form, such as an ARN, is stored: the zero
// value is the empty string.
func text[T interface {
	comparable
	String() string
}](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return v.String()
}

// placeholders returns n numbered parameters, from first on, for an IN list.
func placeholders(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// tuples returns the numbered parameters of n rows of a VALUES list, from $1 on.
func tuples(n, width int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "(" + placeholders(1+i*width, width) + ")"
	}
	return strings.Join(all, ", ")
}

// appendStrings appends the values of an IN list to the arguments.
func appendStrings(args []any, values []string) []any {
	for _, v := range values {
		args = append(args, v)
	}
	return args
}

// A textColumn scans what text stored.
type textColumn struct{ to encoding.TextUnmarshaler }

// Scan implements sql.Scanner.
func (c textColumn) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("column holds a %T, want text", src)
	}
	if s == "" {
		return nil
	}
	return c.to.UnmarshalText([]byte(s))
}

// A jsonColumn scans a value that is stored as JSON text.
type jsonColumn struct{ to any }

// Scan implements sql.Scanner.
func (c jsonColumn) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("column holds a %T, want text", src)
	}
	return json.Unmarshal([]byte(s), c.to)
}

// A scanner is one row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// collect reads all rows with scan, and closes them.
func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) (_ []T, err error) {
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// limited is the LIMIT of a statement, as a number in its text: SQLite plans a
// statement anew whenever a parameter of its LIMIT is bound.
func limited(n int) string { return " LIMIT " + strconv.Itoa(n) }
