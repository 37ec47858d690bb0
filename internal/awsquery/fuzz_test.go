package awsquery_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
)

// FuzzForm: whatever a form holds, it is decoded or refused in words for the
// caller; a list is never longer than the request could name.
func FuzzForm(f *testing.F) {
	f.Add("Action=AssumeRole&Version=2011-06-15&RoleArn=r&Tags.member.1.Key=k&Tags.member.1.Value=v&TransitiveTagKeys.member.1=k")
	f.Add("DurationSeconds=900&PolicyArns.member.1.arn=a&Tags.member.2.Key=k")
	f.Add("Tags=1&Tags.member=2&Tags.member.1=3&DurationSeconds=999999999999")
	f.Add("%zz&=&a=%00;b")
	f.Fuzz(func(t *testing.T, form string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		r.RequestURI = "/"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		var in sts.AssumeRoleInput
		err := awsquery.Decode(r, &in)
		var refused *fault.Error
		if err != nil && (!errors.As(err, &refused) || refused.Message == "") {
			t.Errorf("%q: %v is not a refusal that the caller may see", form, err)
		}
		if err == nil && len(in.Tags)+len(in.TransitiveTagKeys) > 2*strings.Count(form, "&")+2 {
			t.Errorf("%q is decoded to %d tags and %d keys", form, len(in.Tags), len(in.TransitiveTagKeys))
		}
	})
}
