package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"mimeo/internal/job"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date: River's, then ours.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("the database has schema version %d, this mimeo knows %d: it was written by a newer mimeo", current, newest)
	}
	if err := job.Migrate(ctx, db); err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
