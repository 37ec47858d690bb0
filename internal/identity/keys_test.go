package identity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// The condition keys of a request that this package fills.
func TestRequestKeys(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	caller := arn.Caller{Principal: arn.Root("aws", account), Region: "eu-west-1", SourceIP: "192.0.2.7", TLS: "1.3", UserAgent: "aws-cli/2.9.19", Referer: "https://example.com/"}
	want := policy.Keys{
		"aws:currenttime": {"2026-01-02T12:00:00Z"}, "aws:epochtime": {"1767355200"}, "aws:securetransport": {"true"},
		"aws:requestedregion": {"eu-west-1"}, "aws:sourceip": {"192.0.2.7"}, "aws:viaawsservice": {"false"},
		"aws:useragent": {"aws-cli/2.9.19"}, "aws:referer": {"https://example.com/"},
		"aws:userid": {account}, "aws:principaltype": {"Account"},
	}
	got, err := s.Subject(t.Context(), caller)
	if diff := cmp.Diff(want, got.Keys); diff != "" || err != nil {
		t.Errorf("%v; keys (-want +got):\n%s", err, diff)
	}
	if got, err := s.Subject(t.Context(), caller.Through("s3")); err != nil || got.Keys["aws:viaawsservice"][0] != "true" {
		t.Errorf("through a service: %v, %v", got.Keys["aws:viaawsservice"], err)
	}
}
