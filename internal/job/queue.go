package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// A Queue holds the jobs of one database. It inserts; a [Runner] works.
type Queue struct {
	db     *sql.DB
	client *river.Client[*sql.Tx]
	bell   *bell
	hurry  sync.Map // ids of jobs that are not to wait when their attempt ends
}

// NewQueue returns the queue in db, whose transactions must begin IMMEDIATE.
// The tables must be there: see [Migrate].
func NewQueue(db *sql.DB) (*Queue, error) {
	bell := newBell()
	client, err := river.NewClient(driver{riversqlite.New(db), bell}, &river.Config{
		Logger:      slog.New(slog.DiscardHandler), // an inserting client has nothing to say
		MaxAttempts: attemptsOfRiver,
	})
	if err != nil {
		return nil, fmt.Errorf("open job queue: %w", err)
	}
	return &Queue{db: db, client: client, bell: bell}, nil
}

// Migrate creates River's tables in db, or brings them up to date.
func Migrate(ctx context.Context, db *sql.DB) error {
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("open job migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate job tables: %w", err)
	}
	return nil
}

// InsertTx inserts a job in the transaction of the data that it belongs to.
// A job of the same kind and key that has not ended yet does the work
// instead; that is no error. After the commit the caller rings [Queue.Wake].
func (q *Queue) InsertTx(ctx context.Context, tx *sql.Tx, spec Spec) (id int64, err error) {
	args, err := json.Marshal(spec.Args)
	if err != nil {
		return 0, fmt.Errorf("encode arguments of %s job %q: %w", spec.Kind, spec.Key, err)
	}
	opts := &river.InsertOpts{Queue: string(spec.Kind)}
	if spec.Key != "" {
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: unfinished}
	}
	inserted, err := q.client.InsertTx(ctx, tx, payload{kind: spec.Kind, Key: spec.Key, Args: args}, opts)
	if err != nil {
		return 0, fmt.Errorf("insert %s job %q: %w", spec.Kind, spec.Key, err)
	}
	return inserted.Job.ID, nil
}

// Wake tells the runner of this process, at once, that jobs of these kinds
// were committed. Without it the runner finds them within a second.
func (q *Queue) Wake(kinds ...Kind) { q.bell.ring(kinds) }

// HurryTx lets a job run at once that waits for its time, such as that of its
// next attempt. One that runs goes on and, if it does not end, runs again at
// once: its attempt may have been over already, and only not put back yet.
func (q *Queue) HurryTx(ctx context.Context, tx *sql.Tx, id int64) error {
	job, err := q.client.JobRetryTx(ctx, tx, id)
	if err != nil {
		return fmt.Errorf("hurry job %d: %w", id, err)
	}
	if job.State == rivertype.JobStateRunning {
		q.hurry.Store(id, true) // the transaction keeps River from putting it back before this
	}
	return nil
}

// Current returns [ErrSuperseded] unless a is the running attempt at its job.
// Called in the transaction that writes a job's results, it keeps a worker
// that was given up for dead from writing.
func (q *Queue) Current(ctx context.Context, tx *sql.Tx, a Attempt) error {
	row, err := q.client.JobGetTx(ctx, tx, a.Job)
	switch {
	case errors.Is(err, river.ErrNotFound):
		return ErrSuperseded
	case err != nil:
		return fmt.Errorf("look up job %d: %w", a.Job, err)
	case row.State != rivertype.JobStateRunning || row.Attempt != a.Number:
		return ErrSuperseded
	}
	return nil
}

// Unfinished returns how many jobs wait or run, up to a thousand.
func (q *Queue) Unfinished(ctx context.Context) (int, error) {
	found, err := q.client.JobList(ctx, river.NewJobListParams().States(unfinished...).First(1000))
	if err != nil {
		return 0, fmt.Errorf("list unfinished jobs: %w", err)
	}
	return len(found.Jobs), nil
}

// unfinished are the states in which a job's key is taken.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// attemptsOfRiver is never reached: River also counts the attempts that a
// killed process took with it, so the runner counts failures itself.
const attemptsOfRiver = 1<<15 - 1

// payload is how a Spec lies in River's table: the key is what is unique.
type payload struct {
	kind Kind
	Key  string          `json:"key" river:"unique"`
	Args json.RawMessage `json:"args"`
}

// Kind is River's name of the job.
func (p payload) Kind() string { return string(p.kind) }
