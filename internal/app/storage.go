package app

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/blob"
	"mimeo/internal/blob/disk"
	"mimeo/internal/sqlstore"
)

// storage is where a server keeps what it keeps.
type storage struct {
	db    *sqlstore.DB
	blobs blob.Store
}

// openStorage opens the data directory; the database locks it.
func openStorage(ctx context.Context, c Config) (*storage, error) {
	db, err := sqlstore.Open(ctx, c.DataDir)
	if err != nil {
		return nil, err
	}
	blobs, err := disk.Open(c.blobDir())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blobs: %w", err), db.Close())
	}
	return &storage{db: db, blobs: blobs}, nil
}

func (s *storage) close() error { return s.db.Close() }
