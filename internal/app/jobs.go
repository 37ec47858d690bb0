package app

import (
	"time"

	"mimeo/internal/copier"
	"mimeo/internal/events"
	"mimeo/internal/job"
	"mimeo/internal/serving"
	"mimeo/internal/training"
)

// trainingSlice is how long a training works before another may have its
// turn.
const trainingSlice = time.Minute

// workers are the kinds of durable work, one line each.
func (s *services) workers() []job.Worker {
	return append(append(s.registry.Workers(), s.copier.Workers()...),
		training.Worker{Service: s.training},
		serving.Starter{Service: s.serving},
		serving.Stopper{Service: s.serving},
		events.Worker{Service: s.events},
	)
}

// concurrency is how many jobs of a kind run at once, where it is not the
// runner's default. No kind takes the places of another.
var concurrency = map[job.Kind]int{
	copier.Kind:       32,
	copier.ResealKind: 2 * resealPlaces, // also those that find no place, to look whether they were cancelled
	training.Kind:     16,               // they share the processors
	events.Kind:       128,              // they wait for others
}

// resealPlaces is how many reseals work at once: a few at full speed use every
// processor, many with a rate limit none.
const resealPlaces = 16
