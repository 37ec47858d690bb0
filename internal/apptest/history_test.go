package apptest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

// What one client did with one name, and what it was answered.
type (
	call struct {
		operation string // "copy", "cancel", "delete" or "describe"
		name      string
		mode      string // of the copy
		version   string // what is cancelled or deleted
	}
	answer struct {
		code    string // of a refusal
		version string // that was made or found
		status  types.ProjectVersionStatus
	}
)

// A version under one name, as a client could describe it: the zero state is
// a name that is free.
type nameState struct {
	version   string
	status    types.ProjectVersionStatus
	cancelled bool // which may be repeated
}

// settled returns what a state may have become by itself: a copy ends, a
// deletion too.
func (s nameState) settled() []nameState {
	switch s.status {
	case types.ProjectVersionStatusCopyingInProgress:
		return []nameState{s, {version: s.version, status: types.ProjectVersionStatusCopyingCompleted}}
	case types.ProjectVersionStatusDeleting:
		return []nameState{s, {}}
	default:
		return []nameState{s}
	}
}

// next returns the states in which a name may be after a call that met it in
// state s and was answered so; none where s cannot have answered so.
func (s nameState) next(c call, a answer) []nameState {
	switch {
	case c.operation == "describe" && s.version == a.version && s.status == a.status:
		return []nameState{s}
	case c.operation == "copy" && a.code == "" && s == nameState{}:
		return []nameState{{version: a.version, status: types.ProjectVersionStatusCopyingInProgress}}
	case c.operation == "copy" && a.code == "ResourceInUseException" && s != nameState{}:
		return []nameState{s}
	case c.operation != "delete" && c.operation != "cancel":
		return nil
	case s.version != c.version:
		return onlyIf(a.code == "ResourceNotFoundException", s)
	case c.operation == "cancel" && (s.status == types.ProjectVersionStatusCopyingInProgress || s.cancelled):
		return onlyIf(a.code == "", nameState{s.version, types.ProjectVersionStatusDeleting, true})
	case c.operation == "delete" && s.status == types.ProjectVersionStatusCopyingCompleted:
		return onlyIf(a.code == "", nameState{version: s.version, status: types.ProjectVersionStatusDeleting})
	default:
		return onlyIf(a.code == "ResourceInUseException", s)
	}
}

func onlyIf(ok bool, s nameState) []nameState {
	if ok {
		return []nameState{s}
	}
	return nil
}

// names is the sequential specification of the names of one project.
var names = porcupine.NondeterministicModel{
	Init: func() []any { return []any{nameState{}} },
	Step: func(state, input, output any) (states []any) {
		for _, met := range state.(nameState).settled() {
			for _, next := range met.next(input.(call), output.(answer)) {
				for _, s := range next.settled() {
					states = append(states, s)
				}
			}
		}
		return states
	},
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byName := map[string][]porcupine.Operation{}
		for _, o := range history {
			name := o.Input.(call).name
			byName[name] = append(byName[name], o)
		}
		var all [][]porcupine.Operation
		for _, part := range byName {
			all = append(all, part)
		}
		return all
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// TestHistoriesAreLinearizable lets many clients copy under, describe, cancel
// and delete the same few names at once. What they were answered is what they
// would have been answered one after another, in some order that respects
// time.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	server := apptest.Start(t, apptest.Options{DataDir: s.dir, Families: light})
	const clients, calls = 8, 100
	var (
		all     sync.WaitGroup
		mu      sync.Mutex
		history []porcupine.Operation
	)
	began := time.Now()
	for client := range clients {
		all.Go(func() {
			c := &historian{stage: s, Client: server.At(s.b.Client), random: rand.New(rand.NewPCG(uint64(client), 7))}
			for range calls {
				time.Sleep(time.Duration(c.random.Int64N(int64(10 * time.Millisecond)))) // so that copies end in between
				o := porcupine.Operation{ClientId: client, Input: c.choose(), Call: int64(time.Since(began))}
				o.Output = c.do(t, o.Input.(call))
				o.Return = int64(time.Since(began))
				mu.Lock()
				history = append(history, o)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	count := map[string]int{}
	for _, o := range history {
		count[o.Input.(call).operation+" "+o.Output.(answer).code]++
	}
	t.Logf("%d calls: %v", len(history), count)
	if count["copy "] < 2*clients || count["delete "] == 0 || count["cancel "] == 0 || count["copy ResourceInUseException"] == 0 {
		t.Errorf("too little happened: %v", count)
	}
	model := names.ToModel()
	if porcupine.CheckOperations(model, history) {
		return
	}
	for _, part := range names.Partition(history) {
		if porcupine.CheckOperations(model, part) {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, o := range part {
			t.Errorf("%s: no order of these explains them: client %d, %d to %d", names.DescribeOperation(o.Input, o.Output), o.ClientId, o.Call, o.Return)
		}
	}
}

// A historian is one client.
type historian struct {
	*stage
	*apptest.Client
	random *rand.Rand
	seen   string // the version that was last made or described
	name   string // its name
}

func (h *historian) choose() call {
	name := fmt.Sprint("n", h.random.IntN(3))
	switch draw := h.random.IntN(8); {
	case draw < 3:
		return call{operation: "copy", name: name, mode: []string{"SHARE", "SHARE", "RESEAL"}[draw]}
	case draw == 3 && h.seen != "":
		return call{operation: "cancel", name: h.name, version: h.seen}
	case draw < 6 && h.seen != "":
		return call{operation: "delete", name: h.name, version: h.seen}
	default:
		return call{operation: "describe", name: name}
	}
}

func (h *historian) do(t *testing.T, c call) (a answer) {
	var err error
	switch c.operation {
	case "copy":
		a.version, err = h.copyAs(t, h.Client, c.name, c.mode)
	case "cancel":
		err = h.Mimeo(t.Context(), "CancelCopy", map[string]string{"ProjectVersionArn": c.version}, new(struct{}))
	case "delete":
		_, err = h.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &c.version})
	case "describe":
		var out *rekognition.DescribeProjectVersionsOutput
		out, err = h.Rekognition.DescribeProjectVersions(t.Context(), &rekognition.DescribeProjectVersionsInput{
			ProjectArn: &h.b.project, VersionNames: []string{c.name},
		})
		if err == nil && len(out.ProjectVersionDescriptions) > 0 {
			a.version, a.status = aws.ToString(out.ProjectVersionDescriptions[0].ProjectVersionArn), out.ProjectVersionDescriptions[0].Status
		}
	}
	if refusal := smithy.APIError(nil); errors.As(err, &refusal) {
		a.code = refusal.ErrorCode()
	} else if err != nil {
		t.Errorf("%+v: %v", c, err)
	}
	if a.version != "" {
		h.seen, h.name = a.version, c.name
	}
	return a
}
