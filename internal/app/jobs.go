package app

import (
	"mimeo/internal/copier"
	"mimeo/internal/job"
)

// workers are the kinds of durable work, one line each.
func (s *services) workers() []job.Worker {
	return append(s.registry.Workers(),
		copier.Worker{Service: s.copier},
	)
}

// concurrency is how many jobs of a kind run at once, where it is not the
// runner's default.
var concurrency = map[job.Kind]int{
	copier.Kind: 8,
}
