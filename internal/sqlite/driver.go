// Package sqlite is SQLite's driver with its statements kept prepared.
// database/sql prepares a text anew each time it is run, which is a third of
// what a short statement costs; here each connection prepares it once.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// maxKept bounds the statements that a connection keeps. The program has
// fewer; lists of a variable length come in more texts.
const maxKept = 256

// Open returns a pool of connections to a data source, as sql.Open does.
func Open(source string) *sql.DB { return sql.OpenDB(connector(source)) }

type connector string

func (c connector) Connect(context.Context) (driver.Conn, error) { return Driver{}.Open(string(c)) }
func (c connector) Driver() driver.Driver                        { return Driver{} }

// A Driver is modernc.org/sqlite's, with statements kept.
type Driver struct{}

// session is what a connection of modernc.org/sqlite can do.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// statement is what a prepared statement of modernc.org/sqlite can do.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// Open implements [driver.Driver].
func (Driver) Open(source string) (driver.Conn, error) {
	opened, err := (&sqlite.Driver{}).Open(source)
	if err != nil {
		return nil, err
	}
	s, ok := opened.(session)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection of type %T lacks a method", opened), opened.Close())
	}
	return &conn{session: s, idle: make(map[string]statement)}, nil
}

// A conn keeps the statements that nobody runs. database/sql lets one
// goroutine at a time use it.
type conn struct {
	session
	idle map[string]statement
}

// take returns the statement of a text, which is kept no more: a second run
// before the first one's rows are closed prepares its own.
func (c *conn) take(ctx context.Context, text string) (statement, error) {
	if s, ok := c.idle[text]; ok {
		delete(c.idle, text)
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a statement of type %T lacks a method", prepared), prepared.Close())
	}
	return s, nil
}

// keep takes a statement back after a run. One that failed is not used again.
func (c *conn) keep(text string, s statement, err error) error {
	if _, twice := c.idle[text]; err != nil || twice {
		return errors.Join(err, s.Close())
	}
	if len(c.idle) >= maxKept {
		for other, old := range c.idle {
			delete(c.idle, other)
			if err := old.Close(); err != nil {
				return errors.Join(err, s.Close())
			}
			break
		}
	}
	c.idle[text] = s
	return nil
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := s.ExecContext(ctx, args)
	return result, c.keep(text, s, err)
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	found, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, c.keep(text, s, err)
	}
	return &rows{Rows: found, conn: c, text: text, statement: s}, nil
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.session.Close())...)
}

// rows give their statement back when they are closed.
type rows struct {
	driver.Rows
	conn      *conn
	text      string
	statement statement
}

// Close implements [driver.Rows].
func (r *rows) Close() error {
	return r.conn.keep(r.text, r.statement, r.Rows.Close())
}
