package app

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/blob"
	"mimeo/internal/blob/disk"
	"mimeo/internal/envelope"
	"mimeo/internal/sqlstore"
)

// storage is where a server keeps what it keeps.
type storage struct {
	db     *sqlstore.DB
	blobs  blob.Store
	master envelope.Key
}

// openStorage opens the data directory; the database locks it.
func openStorage(ctx context.Context, c Config, f Faults) (_ *storage, err error) {
	s := &storage{}
	if s.db, err = sqlstore.OpenWith(ctx, c.DataDir, sqlstore.Options{Driver: f.Driver}); err != nil {
		return nil, err
	}
	if s.master, err = loadMasterKey(c.masterKey()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.blobs, err = disk.OpenWith(c.blobDir(), disk.Options{Before: f.Before}); err != nil {
		return nil, errors.Join(fmt.Errorf("open blobs: %w", err), s.close())
	}
	return s, nil
}

func (s *storage) close() error { return s.db.Close() }
