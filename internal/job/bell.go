package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// A bell tells River's listener which kinds of jobs were committed. On SQLite
// all inserts come from this process (the data directory is locked), so a
// channel does what polling an outbox table would do later and dearer.
type bell struct {
	mu    sync.Mutex
	kinds map[Kind]bool // rung and not yet heard
	rung  chan struct{}
}

func newBell() *bell {
	return &bell{kinds: make(map[Kind]bool), rung: make(chan struct{}, 1)}
}

func (b *bell) ring(kinds []Kind) {
	if len(kinds) == 0 {
		return
	}
	b.mu.Lock()
	for _, k := range kinds {
		b.kinds[k] = true
	}
	b.mu.Unlock()
	b.signal()
}

func (b *bell) signal() {
	select {
	case b.rung <- struct{}{}:
	default: // a signal is waiting already
	}
}

// hear waits for a ring and takes one kind of it.
func (b *bell) hear(ctx context.Context) (Kind, error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-b.rung:
		}
		if kind, ok := b.take(); ok {
			return kind, nil
		}
	}
}

func (b *bell) take() (kind Kind, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for kind = range b.kinds {
		delete(b.kinds, kind)
		if len(b.kinds) > 0 {
			b.signal()
		}
		return kind, true
	}
	return "", false
}

// driver is River's SQLite driver with our bell for a listener. Nothing is
// broadcast through the database: there is nobody else to hear it.
type driver struct {
	*riversqlite.Driver
	bell *bell
}

var _ riverdriver.Driver[*sql.Tx] = driver{}

func (d driver) SupportsListenNotify() bool { return false }

func (d driver) GetListener(p *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{Listener: d.Driver.GetListener(p), bell: d.bell}
}

type listener struct {
	riverdriver.Listener
	bell *bell
}

// WaitForNotification returns River's notification of an insert.
func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	kind, err := l.bell.hear(ctx)
	if err != nil {
		return nil, err
	}
	queue, err := json.Marshal(map[string]string{"queue": string(kind)})
	if err != nil {
		return nil, fmt.Errorf("encode notification of %s jobs: %w", kind, err)
	}
	return &riverdriver.Notification{Topic: "river_insert", Payload: string(queue)}, nil
}
