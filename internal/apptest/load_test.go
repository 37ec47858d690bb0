package apptest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/apptest"
)

// A load is a caller who does many different things, one after another, with
// a server that may die in each of them, and remembers what it was promised.
type load struct {
	a, b        *side
	source, key string
	random      *rand.Rand
	next        int
	live        map[string]promise // by ARN
	deleted     []string           // ARNs whose deletion was promised
	policies    map[string]bool    // documents of which one is current
	started     string             // a version that was started and not yet stopped
	latest      string             // the copy that was promised last

	copies, trainings, deletions, cancels, starts, changes int
}

// A promise is a version whose ARN a caller was given. If its deletion was
// asked for and no answer came, it may be gone.
type promise struct {
	by      *side
	name    string
	mayGone bool
}

func newLoad(a, b *side, source, key string, seed uint64) *load {
	return &load{a: a, b: b, source: source, key: key, random: rand.New(rand.NewPCG(seed, 1)), live: map[string]promise{}, policies: map[string]bool{}}
}

func (l *load) String() string {
	return fmt.Sprintf("%d copies and %d trainings were promised, %d deletions, %d cancels, %d starts and %d changes of a policy", l.copies, l.trainings, l.deletions, l.cancels, l.starts, l.changes)
}

// errDead is no answer: the server is gone, and what became of the request is
// not known.
var errDead = errors.New("no answer came")

// said is nil, a refusal as it was answered, or errDead.
func said(err error) error {
	if answer := smithy.APIError(nil); err == nil || errors.As(err, &answer) {
		return err
	}
	return errDead
}

// run works until the server is dead.
func (l *load) run(ctx context.Context, s *apptest.Server) {
	a, b := s.At(l.a.Client), s.At(l.b.Client)
	for ctx.Err() == nil {
		l.next++
		var err error
		switch draw := l.random.IntN(11); {
		case draw < 4:
			err = l.copy(ctx, b)
		case draw < 5:
			err = l.cancel(ctx, b)
		case draw < 6:
			err = l.train(ctx, a)
		case draw < 8:
			err = l.delete(ctx, a, b)
		case draw < 10:
			err = l.startOrStop(ctx, b)
		default:
			err = l.changePolicy(ctx, a)
		}
		if errors.Is(err, errDead) {
			return
		}
	}
}

func (l *load) copy(ctx context.Context, c *apptest.Client) error {
	name := fmt.Sprint("c", l.next)
	mode := []string{"SHARE", "RESEAL"}[l.random.IntN(2)]
	var out struct{ ProjectVersionArn string }
	err := c.Mimeo(ctx, "CopyProjectVersion", map[string]any{
		"SourceProjectArn": l.a.project, "SourceProjectVersionArn": l.source, "DestinationProjectArn": l.b.project, "VersionName": name,
		"OutputConfig": map[string]any{"S3Bucket": l.b.bucket, "S3KeyPrefix": "copies"}, "KmsKeyId": l.key, "Mode": mode,
	}, &out)
	if err == nil {
		l.copies++
		l.live[out.ProjectVersionArn] = promise{by: l.b, name: name}
		l.latest = out.ProjectVersionArn
	}
	return said(err)
}

// cancel cancels the latest copy, which may have ended.
func (l *load) cancel(ctx context.Context, c *apptest.Client) error {
	if _, live := l.live[l.latest]; !live {
		return nil
	}
	err := said(c.Mimeo(ctx, "CancelCopy", map[string]any{"ProjectVersionArn": l.latest}, new(struct{})))
	if l.gone(l.latest, err); err == nil {
		l.cancels++
	}
	return err
}

// gone notes what became of a version whose end was asked for.
func (l *load) gone(version string, err error) {
	p := l.live[version]
	switch {
	case err == nil:
		delete(l.live, version)
		l.deleted = append(l.deleted, version)
	case errors.Is(err, errDead):
		p.mayGone = true
		l.live[version] = p
	}
}

func (l *load) train(ctx context.Context, c *apptest.Client) error {
	name := fmt.Sprint("t", l.next)
	out, err := c.Rekognition.CreateProjectVersion(ctx, &rekognition.CreateProjectVersionInput{
		ProjectArn: &l.a.project, VersionName: &name,
		OutputConfig: &types.OutputConfig{S3Bucket: &l.a.bucket, S3KeyPrefix: aws.String("trainings")},
	})
	if err == nil {
		l.trainings++
		l.live[aws.ToString(out.ProjectVersionArn)] = promise{by: l.a, name: name}
	}
	return said(err)
}

// any returns one of the promised versions of a side; nil: of either.
func (l *load) any(of *side) (string, promise, bool) {
	all := slices.DeleteFunc(slices.Sorted(maps.Keys(l.live)), func(v string) bool { return of != nil && l.live[v].by != of })
	if len(all) == 0 {
		return "", promise{}, false
	}
	chosen := all[l.random.IntN(len(all))]
	return chosen, l.live[chosen], true
}

func (l *load) delete(ctx context.Context, a, b *apptest.Client) error {
	version, p, ok := l.any(nil)
	if !ok {
		return nil
	}
	c := a
	if p.by == l.b {
		c = b
	}
	_, err := c.Rekognition.DeleteProjectVersion(ctx, &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &version})
	err = said(err)
	if l.gone(version, err); err == nil {
		l.deletions++
	}
	return err
}

func (l *load) startOrStop(ctx context.Context, c *apptest.Client) error {
	if version := l.started; version != "" {
		_, err := c.Rekognition.StopProjectVersion(ctx, &rekognition.StopProjectVersionInput{ProjectVersionArn: &version})
		if err == nil {
			l.started = ""
		}
		return said(err)
	}
	version, _, ok := l.any(l.b)
	if !ok {
		return nil
	}
	_, err := c.Rekognition.StartProjectVersion(ctx, &rekognition.StartProjectVersionInput{ProjectVersionArn: &version, MinInferenceUnits: aws.Int32(1)})
	if err == nil {
		l.starts++
		l.started = version
	}
	return said(err)
}

// changePolicy puts a second policy, which allows what the first does.
func (l *load) changePolicy(ctx context.Context, c *apptest.Client) error {
	document := fmt.Sprintf(`{"Version":"2012-10-17","Id":"%d","Statement":[{"Effect":"Allow","Principal":"*",`+
		`"Action":"rekognition:CopyProjectVersion","Resource":"%s"}]}`, l.next, l.source)
	if _, err := c.Rekognition.DeleteProjectPolicy(ctx, &rekognition.DeleteProjectPolicyInput{ProjectArn: &l.a.project, PolicyName: aws.String("changing")}); said(err) != nil {
		if errors.Is(said(err), errDead) {
			l.policies[""] = true
			return errDead
		}
	} else {
		l.policies = map[string]bool{"": true}
	}
	_, err := c.Rekognition.PutProjectPolicy(ctx, &rekognition.PutProjectPolicyInput{ProjectArn: &l.a.project, PolicyName: aws.String("changing"), PolicyDocument: &document})
	switch err = said(err); {
	case err == nil:
		l.changes++
		l.policies = map[string]bool{document: true}
	case errors.Is(err, errDead):
		l.policies[document] = true
	}
	return err
}

// check compares what is there with what was promised.
func (l *load) check(t *testing.T, s *apptest.Server) {
	t.Helper()
	a, b := l.a.on(t, s), l.b.on(t, s)
	there := map[string]*side{}
	for _, side := range []*side{a, b} {
		for _, v := range side.versions() {
			version := aws.ToString(v.ProjectVersionArn)
			if side.rest(version) {
				there[version] = side
			}
		}
	}
	for _, version := range l.deleted {
		if there[version] != nil {
			t.Errorf("%s is still there: its deletion was promised", version)
		}
	}
	files := readResults(t, a, a.version("v0"))
	var answering []string
	for version, p := range l.live {
		side := there[version]
		switch {
		case side == nil && !p.mayGone:
			t.Errorf("%s is lost", version)
		case side == a:
			readResults(t, a, a.version(p.name))
		case side == b:
			checkCopied(t, b, b.version(p.name), files)
			answering = append(answering, version)
		}
	}
	l.checkPolicy(t, a)
	l.checkAnswers(t, a, b, answering)
}

// rest waits until nothing happens to a version any more, stops it where it
// runs, and reports whether it is there. It is then finished.
func (a *side) rest(version string) (there bool) {
	a.t.Helper()
	name := strings.Split(version, "/")[3]
	a.await(version, func() (bool, string) {
		out, err := a.Rekognition.DescribeProjectVersions(a.t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project, VersionNames: []string{name}})
		if err != nil {
			a.t.Fatal(err)
		}
		if there = len(out.ProjectVersionDescriptions) > 0; !there {
			return true, ""
		}
		v := out.ProjectVersionDescriptions[0]
		switch v.Status {
		case types.ProjectVersionStatusTrainingCompleted, types.ProjectVersionStatusCopyingCompleted, types.ProjectVersionStatusStopped:
			return true, ""
		case types.ProjectVersionStatusRunning:
			a.stop(name, version)
			return true, ""
		case types.ProjectVersionStatusTrainingFailed, types.ProjectVersionStatusCopyingFailed, types.ProjectVersionStatusFailed:
			a.t.Fatalf("%s is %s: %s", version, v.Status, aws.ToString(v.StatusMessage))
			return true, ""
		default:
			return false, string(v.Status)
		}
	})
	return there
}

func (l *load) checkPolicy(t *testing.T, a *side) {
	t.Helper()
	out, err := a.Rekognition.ListProjectPolicies(t.Context(), &rekognition.ListProjectPoliciesInput{ProjectArn: &a.project})
	if err != nil {
		t.Fatal(err)
	}
	current := ""
	for _, p := range out.ProjectPolicies {
		if aws.ToString(p.PolicyName) == "changing" {
			current = aws.ToString(p.PolicyDocument)
		}
	}
	if l.changes > 0 && !l.policies[current] {
		t.Errorf("the policy is %q, want one of %q", current, slices.Collect(maps.Keys(l.policies)))
	}
}

// checkAnswers compares the source's answers with those of a few copies.
func (l *load) checkAnswers(t *testing.T, a, b *side, copies []string) {
	t.Helper()
	data := picture(t, classes[0], 9)
	a.start("v0", l.source)
	want := a.detect(l.source, data)
	for _, copied := range copies[max(0, len(copies)-3):] {
		name := strings.Split(copied, "/")[3]
		b.start(name, copied)
		if diff := cmp.Diff(want, b.detect(copied, data), ignoreSDK); diff != "" {
			t.Errorf("copy %s (-source +copy):\n%s", name, diff)
		}
		b.stop(name, copied)
	}
	a.stop("v0", l.source)
}
