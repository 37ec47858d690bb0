package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/job"
)

// Kind is the kind of a delivery's job.
const Kind job.Kind = "event"

// Args are the arguments of a delivery's job.
type Args struct {
	Target   string // its id
	Position int64
}

// DefaultBackoff spreads the attempts over most of a day, as Standard Webhooks
// recommends.
var DefaultBackoff = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

// A Delivery is one event on its way to one target.
type Delivery struct {
	Event
	Target   Target
	Attempts int // that failed
	Dead     bool
}

// Deliveries stores what is to be delivered. The writes fail with
// job.ErrSuperseded unless the attempt is the current one; each but Retry
// also inserts the job of the next event of the version, if one waits.
type Deliveries interface {
	// Delivery returns an event that waits, or ResourceNotFound.
	Delivery(ctx context.Context, a Args) (Delivery, error)
	// Retry counts an attempt that failed, and says why.
	Retry(ctx context.Context, by job.Attempt, a Args, problem string) error
	// Deliver drops an event that was delivered.
	Deliver(ctx context.Context, by job.Attempt, a Args) error
	// Bury gives an event up, and says why.
	Bury(ctx context.Context, by job.Attempt, a Args, problem string, now time.Time) error
}

// A Message is what is sent.
type Message struct {
	URL    string
	Secret []byte
	ID     string // the same in every attempt
	Body   []byte
}

// Undelivered says why a receiver did not take an event. It shows in the list
// of dead events.
type Undelivered struct{ Problem string }

func (u *Undelivered) Error() string { return u.Problem }

func newID() string { return uuid.NewString() }

// A Worker delivers events.
type Worker struct{ *Service }

// Kind implements job.Worker.
func (Worker) Kind() job.Kind { return Kind }

// Work makes one attempt at one event, where its account has a place for it:
// receivers that are slow keep none of another account waiting. An event that
// was delivered or given up by a former run, or whose target is gone, leaves
// nothing to do.
func (w Worker) Work(ctx context.Context, run *job.Run) error {
	var args Args
	if err := run.Decode(&args); err != nil {
		return err
	}
	d, err := w.Deliveries.Delivery(ctx, args)
	if errors.Is(err, customlabels.ResourceNotFound) || err == nil && d.Dead {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read event %d of target %s: %w", args.Position, args.Target, err)
	}
	account := d.Target.Namespace.Account
	leave, ok := w.Places.Take(account)
	if !ok {
		return job.Snooze(w.turns.next(account, w.Now()))
	}
	defer leave()
	return w.deliver(ctx, run, args, d)
}

// deliver sends an event and settles what comes of it.
func (w Worker) deliver(ctx context.Context, run *job.Run, args Args, d Delivery) error {
	secret, err := envelope.UnwrapBytes(w.Master, d.Target.Sealed, sealContext(d.Target.ID))
	if err != nil {
		return fmt.Errorf("unseal the secret of event target %s: %w", d.Target.ID, err)
	}
	err = w.Sender.Send(ctx, Message{URL: d.Target.URL, Secret: secret, ID: d.ID, Body: d.Body})
	if ctx.Err() != nil {
		return ctx.Err() // it may be we who hung up
	}
	var undelivered *Undelivered
	switch {
	case errors.As(err, &undelivered):
		return w.again(ctx, run, args, d.Attempts, undelivered.Problem)
	case err != nil:
		return fmt.Errorf("send event %s: %w", d.ID, err)
	default:
		return w.Deliveries.Deliver(ctx, run.Attempt, args)
	}
}

// again counts a failed attempt and asks for the next, or gives up.
func (w Worker) again(ctx context.Context, run *job.Run, args Args, failed int, problem string) error {
	backoff := w.Backoff
	if backoff == nil {
		backoff = DefaultBackoff
	}
	if failed >= len(backoff) {
		return w.Deliveries.Bury(ctx, run.Attempt, args, problem, w.Now())
	}
	if err := w.Deliveries.Retry(ctx, run.Attempt, args, problem); err != nil {
		return err
	}
	return job.Snooze(backoff[failed])
}

// Fail gives up an event that something here keeps from being sent.
func (w Worker) Fail(ctx context.Context, run *job.Run, _ error) error {
	var args Args
	if err := run.Decode(&args); err != nil {
		return err
	}
	return w.Deliveries.Bury(ctx, run.Attempt, args, "An internal error kept the event from being sent.", w.Now())
}
