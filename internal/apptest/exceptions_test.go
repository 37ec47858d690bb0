package apptest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mimeo/internal/apptest"
	"mimeo/internal/family"
	"mimeo/internal/faults"
	"mimeo/internal/pixel"
	"mimeo/internal/quota"
)

// TestEveryExceptionOfACopy provokes each exception that the service model
// gives CopyProjectVersion, and ValidationException, and looks at what the SDK
// makes of it.
func TestEveryExceptionOfACopy(t *testing.T) {
	t.Parallel()
	fault := faults.New(faults.Forever, 1)
	busy := newGate()
	s := apptest.Start(t, apptest.Options{Families: []family.Family{busy}, Faults: inject(fault), MaxInFlight: 1})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	a.start("v1", source)
	in := func(change func(*rekognition.CopyProjectVersionInput)) *rekognition.CopyProjectVersionInput {
		in := &rekognition.CopyProjectVersionInput{
			SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &a.project,
			VersionName: aws.String("refused"), OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
		}
		change(in)
		return in
	}
	unchanged := func(*rekognition.CopyProjectVersionInput) {}
	limited := func(values quota.Values) func() func() {
		return func() func() {
			setQuotas(t, s, trusting, values)
			return func() {
				for name := range values {
					values[name] = nil
				}
				setQuotas(t, s, trusting, values)
			}
		}
	}
	for _, c := range []struct {
		is      func(error) bool
		code    string
		status  int
		message string
		change  func(*rekognition.CopyProjectVersionInput)
		during  func() (after func()) // what the server goes through; nil: nothing
	}{
		{isA[*types.AccessDeniedException], "AccessDeniedException", 400, "is not authorized to perform: rekognition:CopyProjectVersion", func(in *rekognition.CopyProjectVersionInput) {
			in.SourceProjectArn, in.SourceProjectVersionArn = foreign(*in.SourceProjectArn), foreign(*in.SourceProjectVersionArn)
		}, nil},
		{isA[*types.InvalidParameterException], "InvalidParameterException", 400, "nobodys-bucket", output("nobodys-bucket"), nil},
		{isA[*types.LimitExceededException], "LimitExceededException", 400, "in progress", unchanged, limited(quota.Values{quota.CopiesInProgress: new(0)})},
		{isA[*types.ProvisionedThroughputExceededException], "ProvisionedThroughputExceededException", 400, "0 requests", unchanged, limited(quota.Values{quota.Rate("CopyProjectVersion"): new(0)})},
		{isA[*types.ResourceInUseException], "ResourceInUseException", 400, `a version named "v1"`, func(in *rekognition.CopyProjectVersionInput) { in.VersionName = aws.String("v1") }, nil},
		{isA[*types.ResourceNotFoundException], "ResourceNotFoundException", 400, "does not exist", func(in *rekognition.CopyProjectVersionInput) { in.DestinationProjectArn = aws.String(a.project + "1") }, nil},
		{isA[*types.ServiceQuotaExceededException], "ServiceQuotaExceededException", 400, "maximum of 1 models", unchanged, limited(quota.Values{quota.ModelsPerProject: new(1)})},
		{isA[*types.ThrottlingException], "ThrottlingException", 500, "works on 1 requests", unchanged, func() func() { return busy.hold(t, a, source) }},
		{isA[*types.InternalServerError], "InternalServerError", 500, "Internal server error", unchanged, func() func() { fault.Arm(); return fault.Disarm }},
		{func(error) bool { return true }, "ValidationException", 400, "versionName", func(in *rekognition.CopyProjectVersionInput) { in.VersionName = aws.String("a b") }, nil},
	} {
		after := func() {}
		if c.during != nil {
			after = c.during()
		}
		_, err := a.Rekognition.CopyProjectVersion(t.Context(), in(c.change), once)
		after()
		var refusal smithy.APIError
		var response *smithyhttp.ResponseError
		if !c.is(err) || !errors.As(err, &refusal) || refusal.ErrorCode() != c.code || !strings.Contains(refusal.ErrorMessage(), c.message) {
			t.Errorf("%s with %q: got %v", c.code, c.message, err)
		}
		if !errors.As(err, &response) || response.HTTPStatusCode() != c.status {
			t.Errorf("%s: got %v, want the status %d", c.code, err, c.status)
		}
		if strings.Contains(refusal.ErrorMessage(), "injected") {
			t.Errorf("%s tells of what is inside: %v", c.code, refusal.ErrorMessage())
		}
	}
	if all := a.versions(); len(all) != 1 {
		t.Errorf("refused copies left %d versions, want the source alone", len(all))
	}
	if _, err := a.Rekognition.CopyProjectVersion(t.Context(), in(unchanged), once); err != nil {
		t.Errorf("the same copy, when nothing is in its way: %v", err)
	}
	a.reach("refused", types.ProjectVersionStatusCopyingCompleted)
}

func isA[E error](err error) bool {
	var want E
	return errors.As(err, &want)
}

// foreign is an ARN of another account, of something that is not there.
func foreign(arn string) *string {
	return aws.String(strings.Replace(arn, trusting, "999999999999", 1))
}

// A gate is a family whose models, while it is held, do not answer.
type gate struct {
	apptest.Ballast
	entered chan struct{}
	closed  chan chan struct{} // holds one channel while the gate is held
}

func newGate() *gate {
	return &gate{Ballast: apptest.Ballast{Size: 1 << 10}, entered: make(chan struct{}), closed: make(chan chan struct{}, 1)}
}

func (g *gate) Load(ctx context.Context, r io.Reader) (family.Model, error) {
	m, err := g.Ballast.Load(ctx, r)
	return gated{m, g}, err
}

type gated struct {
	family.Model
	gate *gate
}

func (m gated) Predict(ctx context.Context, image *pixel.Image) (family.Prediction, error) {
	select {
	case released := <-m.gate.closed:
		m.gate.entered <- struct{}{}
		<-released
	default:
	}
	return m.Model.Predict(ctx, image)
}

// hold keeps one request for detection on the server until the function that
// it returns is called.
func (g *gate) hold(t *testing.T, a *side, version string) (release func()) {
	released, ended := make(chan struct{}), make(chan error, 1)
	g.closed <- released
	go func() {
		_, err := a.Rekognition.DetectCustomLabels(t.Context(), &rekognition.DetectCustomLabelsInput{
			ProjectVersionArn: &version, Image: &types.Image{Bytes: picture(t, classes[0], 1)},
		}, once)
		ended <- err
	}()
	select {
	case <-g.entered:
	case err := <-ended:
		t.Fatalf("DetectCustomLabels: %v", err)
	}
	return func() {
		close(released)
		if err := <-ended; err != nil {
			t.Errorf("DetectCustomLabels: %v", err)
		}
	}
}

// TestARefusalIsTheSameForEverySource compares whole answers, as a stranger
// who has nothing but the wire would: only the request's id and Logref differ.
func TestARefusalIsTheSameForEverySource(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	b := newSide(t, s, trusted, "trusted-results", "production")
	wire := &wiretap{RoundTripper: s.HTTP.Transport}
	cfg := b.Config.Copy()
	cfg.HTTPClient = &http.Client{Transport: wire}
	client := rekognition.NewFromConfig(cfg)
	for i, from := range []string{"/parts/", "/nothing/"} {
		_, err := client.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
			SourceProjectArn:        aws.String(strings.Replace(a.project, "/parts/", from, 1)),
			SourceProjectVersionArn: aws.String(strings.Replace(source, "/parts/", from, 1)),
			DestinationProjectArn:   &b.project, VersionName: aws.String("v" + strconv.Itoa(i)), OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket},
		})
		wantType[*types.AccessDeniedException](t, "a copy from "+from, err)
		wire.answers[i] = strings.ReplaceAll(wire.answers[i], from, "/P/")
	}
	if wire.answers[0] != wire.answers[1] || strings.Contains(strings.ToLower(wire.answers[0]), "encoded") {
		t.Errorf("the answers tell sources apart, or too much:\n%s\n%s", wire.answers[0], wire.answers[1])
	}
}

// wiretap keeps answers, without what names the request.
type wiretap struct {
	http.RoundTripper
	answers []string
}

func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(strings.NewReader(string(body)))
	text := answer.Status + " " + answer.Header.Get("X-Amzn-Errortype") + " " + string(body)
	w.answers = append(w.answers, strings.ReplaceAll(text, answer.Header.Get("X-Amzn-Requestid"), "ID"))
	return answer, nil
}
