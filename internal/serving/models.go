package serving

import (
	"context"
	"sync"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// models are the models in memory, with who uses them.
//
// A request enters before it reads the version's status. A stop changes the
// status before it drops the model. So whoever enters too late sees that the
// version is not RUNNING and loads nothing.
type models struct {
	now   func() time.Time
	mu    sync.Mutex
	slots map[arn.ProjectVersion]*slot
}

// A slot is the place of one version's model.
type slot struct {
	// Guarded by models.mu.
	users  int
	idle   chan struct{} // closed when the last user leaves; nil: nobody waits
	leftAt time.Time     // when the last user did
	gate   *gate

	loading chan struct{} // holds one token: who has it may load
	loaded  *loaded       // guarded by loading
}

// enter returns the slot of a version and counts a user of it, who must leave.
func (m *models) enter(v arn.ProjectVersion) *slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.slots[v]
	if !ok {
		s = &slot{loading: make(chan struct{}, 1)}
		m.slots[v] = s
	}
	s.users++
	return s
}

// leave takes a user from a slot, and removes a slot in which nothing was
// loaded.
func (m *models) leave(v arn.ProjectVersion, s *slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	s.leftAt = m.now()
	if s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
	if s.loaded == nil && m.slots[v] == s { // without users nobody loads
		delete(m.slots, v)
	}
}

// dropIdle removes the models that nobody has used since a time.
func (m *models) dropIdle(since time.Time) (dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v, s := range m.slots {
		if s.users == 0 && s.leftAt.Before(since) {
			delete(m.slots, v)
			dropped++
		}
	}
	return dropped
}

// drop removes a version's model as soon as nobody uses it.
func (m *models) drop(ctx context.Context, v arn.ProjectVersion) error {
	for {
		idle := m.tryDrop(v)
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryDrop removes an unused model; of a used one it returns what to wait for.
func (m *models) tryDrop(v arn.ProjectVersion) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.slots[v]
	if !ok {
		return nil
	}
	if s.users == 0 {
		delete(m.slots, v)
		return nil
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle
}

// model returns the model of a slot. The first to ask loads it, the others
// wait; where loading fails, the next one tries again. renew is given what is
// loaded, or nil, and returns what is to stay.
func (s *slot) model(ctx context.Context, renew func(context.Context, *loaded) (*loaded, error)) (_ *loaded, err error) {
	select {
	case s.loading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.loading }()
	if s.loaded, err = renew(ctx, s.loaded); err != nil {
		return nil, err
	}
	return s.loaded, nil
}

// waiting is how many requests may wait for one inference unit.
const waiting = 8

// A gate lets as many requests work at a time as there are inference units,
// and a few more wait.
type gate struct{ admitted, working chan struct{} }

// gateOf returns the gate of a slot; the units of a version cannot change
// while it runs.
func (m *models) gateOf(s *slot, v customlabels.ProjectVersion) *gate {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.gate == nil {
		units := max(1, v.MinInferenceUnits, v.MaxInferenceUnits)
		s.gate = &gate{admitted: make(chan struct{}, units*(1+waiting)), working: make(chan struct{}, units)}
	}
	return s.gate
}

// pass waits for its turn and returns what ends it, or refuses at once where
// too many wait.
func (g *gate) pass(ctx context.Context) (done func(), err error) {
	select {
	case g.admitted <- struct{}{}:
	default:
		return nil, fault.New(customlabels.ProvisionedThroughputExceeded, "Provisioned Rate exceeded.")
	}
	select {
	case g.working <- struct{}{}:
		return func() { <-g.working; <-g.admitted }, nil
	case <-ctx.Done():
		<-g.admitted
		return nil, ctx.Err()
	}
}
