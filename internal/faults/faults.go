// Package faults makes durable effects fail, or the process die, at a chosen
// moment. It is for tests: a server under test runs on [Injector.Driver] and
// asks [Injector.Before] before each step of writing a blob. All that the
// server keeps goes one of these two ways, whatever it is called above them: a
// version, a grant, an object's row, a job's update are commits.
package faults

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
)

// ErrInjected is what an effect fails with that was made to fail.
var ErrInjected = errors.New("injected fault")

// A Kind is what happens at the chosen effect.
type Kind string

// The kinds of faults.
const (
	Once    Kind = "error once"
	Forever Kind = "error for ever" // this effect and all that follow
	Kill    Kind = "SIGKILL"
)

// An Injector counts durable effects from the moment that it is armed.
type Injector struct {
	kind   Kind
	at     int64
	armed  atomic.Bool
	made   atomic.Int64
	struck atomic.Pointer[string]
}

// New returns an injector that strikes at the nth effect after it is armed,
// counted from 1.
func New(kind Kind, at int64) *Injector { return &Injector{kind: kind, at: at} }

// Arm begins the count.
func (i *Injector) Arm() { i.armed.Store(true) }

// Disarm ends it: nothing fails any more.
func (i *Injector) Disarm() { i.armed.Store(false) }

// Made is how many effects there were while the injector was armed.
func (i *Injector) Made() int64 { return i.made.Load() }

// Struck names the first effect that failed; it is empty where none did.
func (i *Injector) Struck() string {
	if name := i.struck.Load(); name != nil {
		return *name
	}
	return ""
}

// Before counts an effect that is about to happen. An error means that it
// must not happen.
func (i *Injector) Before(effect string) error {
	if !i.armed.Load() {
		return nil
	}
	n := i.made.Add(1)
	if n < i.at || n > i.at && i.kind != Forever {
		return nil
	}
	i.struck.CompareAndSwap(nil, &effect)
	if i.kind == Kill {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // until it arrives
	}
	return fmt.Errorf("%s: %w", effect, ErrInjected)
}
