package faults

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ngrok/sqlmw"

	"mimeo/internal/sqlite"
)

var drivers atomic.Int64

// Driver registers a database driver that is SQLite's but for the faults, and
// returns its name. A commit is two effects: it may fail without having
// happened, and it may happen and nobody learns of it.
func (i *Injector) Driver() string {
	name := fmt.Sprintf("sqlite with faults %d", drivers.Add(1))
	sql.Register(name, sqlmw.Driver(sqlite.Driver{}, &interceptor{Injector: i, inside: map[any]bool{}}))
	return name
}

// interceptor stands between database/sql and SQLite. A statement outside of
// any transaction is its own commit.
type interceptor struct {
	sqlmw.NullInterceptor
	*Injector
	mu     sync.Mutex
	inside map[any]bool // connections that have a transaction
}

// transaction is a driver's transaction that knows its connection.
type transaction struct {
	driver.Tx
	conn any
}

func (i *interceptor) enter(conn any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.inside[conn] = true
}

func (i *interceptor) leave(conn any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.inside, conn)
}

func (i *interceptor) isInside(conn any) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.inside[conn]
}

// ConnBeginTx notes that the connection has a transaction.
func (i *interceptor) ConnBeginTx(ctx context.Context, conn driver.ConnBeginTx, options driver.TxOptions) (context.Context, driver.Tx, error) {
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return ctx, nil, err
	}
	i.enter(conn)
	return ctx, transaction{tx, conn}, nil
}

// TxCommit commits, with a fault before or after it.
func (i *interceptor) TxCommit(_ context.Context, tx driver.Tx) error {
	i.leave(tx.(transaction).conn)
	if err := i.Before("commit"); err != nil {
		_ = tx.Rollback() // as the database would have it after a failed commit
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return i.Before("the answer of a commit")
}

// TxRollback rolls back.
func (i *interceptor) TxRollback(_ context.Context, tx driver.Tx) error {
	i.leave(tx.(transaction).conn)
	return tx.Rollback()
}

// ConnExecContext runs a statement, with a fault where it commits itself.
func (i *interceptor) ConnExecContext(ctx context.Context, conn driver.ExecerContext, query string, args []driver.NamedValue) (driver.Result, error) {
	if i.isInside(conn) {
		return conn.ExecContext(ctx, query, args)
	}
	if err := i.Before("statement"); err != nil {
		return nil, err
	}
	result, err := conn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return result, i.Before("the answer of a statement")
}
