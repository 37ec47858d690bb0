package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"

	"mimeo/internal/job"
)

// maxGroup bounds how many writes share one commit, so that the first of them
// does not wait for ever.
const maxGroup = 32

// A group lets writes that come at the same time share one commit, which is
// one sync of the disk. They take turns in one transaction, each in its own
// savepoint; the last of those that wait commits for all, and none
// returns before that. A write that comes alone is a transaction of its own.
type group struct {
	pool    *sql.DB
	turn    sync.Mutex
	waiting atomic.Int64 // for their turn
	open    *commit      // that the next write joins; nil: a new one
}

// A commit is one transaction of one or more writes.
type commit struct {
	tx     *sql.Tx
	writes int
	done   chan struct{} // closed when err is final
	err    error
}

// write runs fn in a write transaction: all of it happens, or nothing. It
// returns when that is durable.
func (db *DB) write(ctx context.Context, fn func(*tx) error) error {
	t := &tx{queue: db.queue}
	c, err := db.group.run(ctx, t, fn)
	if c != nil {
		<-c.done
		if c.err != nil {
			return c.err // also where fn refused: what it saw never was
		}
	}
	if err == nil {
		db.queue.Wake(t.kinds...)
	}
	return err
}

// run runs fn when it is its turn, and returns the commit that it is part of.
func (g *group) run(ctx context.Context, t *tx, fn func(*tx) error) (c *commit, err error) {
	g.waiting.Add(1)
	g.turn.Lock() // without regard to ctx: the one before may count on us to commit
	g.waiting.Add(-1)
	defer g.turn.Unlock()
	defer g.pass()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := g.begin(); err != nil {
		return nil, err
	}
	t.Tx = g.open.tx
	undo := true
	defer func() { // also where fn panics
		if undo {
			g.undo()
		}
	}()
	c = g.open
	if err := fn(t); err != nil {
		return c, err
	}
	if err := c.exec("RELEASE write"); err != nil {
		return c, err
	}
	undo = false
	c.writes++
	return c, nil
}

// begin begins a write, in the transaction that is open or in a new one.
func (g *group) begin() error {
	if g.open == nil {
		begun, err := g.pool.BeginTx(context.Background(), nil) // it outlives this request
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		g.open = &commit{tx: begun, done: make(chan struct{})}
	}
	return g.open.exec("SAVEPOINT write")
}

// undo takes back the write that failed. Where SQLite has rolled back all of
// the transaction, as it does when the disk is full, the others' are lost too.
func (g *group) undo() {
	g.open.err = g.open.exec("ROLLBACK TO write")
	if g.open.err == nil && g.open.writes > 0 {
		return
	}
	_ = g.open.tx.Rollback() // nothing is left of it to keep
	g.close()
}

func (c *commit) exec(statement string) error {
	if _, err := c.tx.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// pass commits, unless somebody waits who will.
func (g *group) pass() {
	if g.open == nil || g.waiting.Load() > 0 && g.open.writes < maxGroup {
		return
	}
	if err := g.open.tx.Commit(); err != nil {
		g.open.err = fmt.Errorf("commit: %w", err)
	}
	g.close()
}

func (g *group) close() {
	close(g.open.done)
	g.open = nil
}

// A tx is a write transaction as one write sees it. Its statements are not
// cut short when the context of one request ends: SQLite would roll back the
// others' writes as well.
type tx struct {
	*sql.Tx
	queue *job.Queue
	kinds []job.Kind // of the jobs that were inserted
}

func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.Tx.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.Tx.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.Tx.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

// each runs statements that all have one parameter.
func (t *tx) each(ctx context.Context, arg string, statements ...string) error {
	for _, statement := range statements {
		if _, err := t.ExecContext(ctx, statement, arg); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
