package copier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"mimeo/internal/arn"
)

// remembered is for how long an SDK's further attempts at a call are told
// from another call.
const remembered = 15 * time.Minute

// An Invocation is one call of CopyProjectVersion with all its attempts: an
// SDK that lost the answer sends the same request again. The zero Invocation
// is a call that is not attempted again.
type Invocation struct {
	Name    string // of caller, request and what the SDK calls the call
	At      time.Time
	Expires time.Time
}

// invocation names a call. Another caller or another request under the id of
// this one is another call.
func (s *Service) invocation(caller arn.Caller, req Request) (Invocation, error) {
	if req.Invocation == "" {
		return Invocation{}, nil
	}
	whole, err := json.Marshal(struct {
		Caller  arn.Principal
		Region  string
		Request Request
	}{caller.Principal, caller.Region, req})
	if err != nil {
		return Invocation{}, fmt.Errorf("name the invocation: %w", err)
	}
	name, now := sha256.Sum256(whole), s.Now()
	return Invocation{Name: hex.EncodeToString(name[:]), At: now, Expires: now.Add(remembered)}, nil
}

// answered returns the copy that an attempt at the same call has begun, or
// the zero ARN.
func (s *Service) answered(ctx context.Context, call Invocation) (arn.ProjectVersion, error) {
	if call == (Invocation{}) {
		return arn.ProjectVersion{}, nil
	}
	v, err := s.Store.Answered(ctx, call)
	if err != nil {
		return v, fmt.Errorf("look for an earlier attempt: %w", err)
	}
	return v, nil
}
