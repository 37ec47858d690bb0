package rekapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"
)

// scoped has, for every operation on a resource, the member that names it,
// the IAM action's resource being the same.
var scoped = map[string]string{
	"CopyProjectVersion": "SourceProjectVersionArn", "CreateDataset": "ProjectArn", "CreateProjectVersion": "ProjectArn",
	"DeleteDataset": "DatasetArn", "DeleteProject": "ProjectArn", "DeleteProjectPolicy": "ProjectArn",
	"DeleteProjectVersion": "ProjectVersionArn", "DescribeDataset": "DatasetArn", "DescribeProjectVersions": "ProjectArn",
	"DetectCustomLabels": "ProjectVersionArn", "ListDatasetEntries": "DatasetArn", "ListDatasetLabels": "DatasetArn",
	"ListProjectPolicies": "ProjectArn", "ListTagsForResource": "ResourceArn", "PutProjectPolicy": "ProjectArn",
	"StartProjectVersion": "ProjectVersionArn", "StopProjectVersion": "ProjectVersionArn", "TagResource": "ResourceArn",
	"UntagResource": "ResourceArn", "UpdateDatasetEntries": "DatasetArn",
}

// everywhere replaces text in a body.
func everywhere(t *testing.T, operation, old, text string) string {
	t.Helper()
	b := body(t, valid[operation])
	if operation == "PutProjectPolicy" { // a document that is none would be refused first
		b = strings.Replace(b, `"{}"`, `"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"rekognition:CopyProjectVersion\",\"Resource\":\"*\"}}"`, 1)
	}
	return strings.ReplaceAll(b, old, text)
}

// TestForeignResources asks for what another account has, and for what it has
// not: one and the same denial.
func TestForeignResources(t *testing.T) {
	t.Parallel()
	s := serve(t)
	owner := s.Client(t, mine).Rekognition
	p, err := owner.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: str("p")})
	if err != nil {
		t.Fatal(err)
	}
	d, err := owner.CreateDataset(t.Context(), &rekognition.CreateDatasetInput{ProjectArn: p.ProjectArn, DatasetType: types.DatasetTypeTrain})
	if err != nil {
		t.Fatal(err)
	}
	there := strings.NewReplacer(projectOf, *p.ProjectArn, datasetOf, *d.DatasetArn)
	c := s.caller(foreign)
	for operation, member := range scoped {
		missing := everywhere(t, operation, "", "") // a body as it is
		named, _ := valid[operation][member].(string)
		want := "User: arn:aws:iam::555555555555:root is not authorized to perform: rekognition:" + operation + " on resource: " + named
		if operation == "CopyProjectVersion" { // the one operation that a policy could allow
			want += " because no project policy of the source project allows this account to copy the version"
		}
		for request, want := range map[string]string{missing: want, there.Replace(missing): there.Replace(want)} {
			status, members := c.call(operation, request)
			delete(members, "Logref")
			denial := map[string]any{"__type": "AccessDeniedException", "Code": "AccessDeniedException", "Message": want}
			if diff := cmp.Diff(denial, members); status != http.StatusBadRequest || diff != "" {
				t.Errorf("%s %s: %d (-want +got):\n%s", operation, request, status, diff)
			}
		}
	}
	c.refused("DistributeDatasetEntries", body(t, valid["DistributeDatasetEntries"]), "AccessDeniedException",
		"User: arn:aws:iam::555555555555:root is not authorized to perform: rekognition:DistributeDatasetEntries on resource: "+datasetOf)
}

// TestMissingResources asks for what the caller's own account has not.
func TestMissingResources(t *testing.T) {
	t.Parallel()
	c := serve(t).caller(mine)
	for operation, member := range scoped {
		status, members := c.call(operation, everywhere(t, operation, "", ""))
		if status != http.StatusBadRequest || members["__type"] != "ResourceNotFoundException" {
			t.Errorf("%s of a %s that does not exist: %d %v, want ResourceNotFoundException", operation, member, status, members)
		}
	}
	c.refused("DistributeDatasetEntries", body(t, valid["DistributeDatasetEntries"]), "ResourceNotFoundException", "The resource "+datasetOf+" does not exist.")
}

// TestOtherRegions names resources of another region, or another partition,
// than the request is signed for.
func TestOtherRegions(t *testing.T) {
	t.Parallel()
	c := serve(t).caller(mine)
	for operation := range scoped {
		status, members := c.call(operation, everywhere(t, operation, ":us-east-1:", ":eu-west-1:"))
		if status != http.StatusBadRequest || members["__type"] != "InvalidParameterException" {
			t.Errorf("%s in another region: %d %v, want InvalidParameterException", operation, status, members)
		}
		status, members = c.call(operation, everywhere(t, operation, "arn:aws:", "arn:aws-cn:"))
		if status != http.StatusBadRequest || members["__type"] != "AccessDeniedException" {
			t.Errorf("%s in another partition: %d %v, want AccessDeniedException", operation, status, members)
		}
	}
	for _, operation := range []string{"TagResource", "UntagResource", "ListTagsForResource"} {
		const ill = "arn:aws:rekognition:us-east-1:111122223333:collection/faces"
		c.refused(operation, body(t, with(operation, "ResourceArn", ill)), "InvalidParameterException", "The value of ResourceArn is not a valid ARN: "+ill)
	}
}
