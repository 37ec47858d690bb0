package apptest_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

// TestOneNameManyClients copies from 64 clients into one project under one
// name, all at once: exactly one wins, the others learn that the name is
// taken, and what they had prepared is gone.
func TestOneNameManyClients(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	server := apptest.Start(t, apptest.Options{DataDir: s.dir, Families: light})
	const clients = 64
	codes := make([]string, clients)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			<-begin
			_, err := s.copyOn(t, server)
			if refusal := smithy.APIError(nil); errors.As(err, &refusal) {
				codes[i] = refusal.ErrorCode()
			} else if err != nil {
				codes[i] = err.Error()
			}
		})
	}
	close(begin)
	all.Wait()
	won := 0
	for _, code := range codes {
		switch code {
		case "":
			won++
		case "ResourceInUseException":
		default:
			t.Errorf("a client got %s, want ResourceInUseException", code)
		}
	}
	if won != 1 {
		t.Errorf("%d clients of %d won, want one", won, clients)
	}
	b := s.b.on(t, server)
	b.reach("c1", types.ProjectVersionStatusCopyingCompleted)
	awaitJobs(t, b, s.key)
	if names := grantNames(t, b.Client, s.key); len(names) != 1 {
		t.Errorf("%d grants are live, want the one of the copy: %q", len(names), names)
	}
	if _, err := s.a.on(t, server).Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: aws.String(s.source)}); err != nil {
		t.Errorf("a pin is left on the source: %v", err)
	}
}
