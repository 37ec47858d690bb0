package registry_test

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/customlabels"
	"mimeo/internal/policy"
	"mimeo/internal/registry"
)

// The condition keys of tags that the service authorization reference gives to
// the actions of Rekognition.
func TestConditionsOnTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	red, blue := w.project("red"), w.project("blue")
	for p, colour := range map[string]registry.Resource{"red": {Namespace: red.Namespace, ARN: red}, "blue": {Namespace: blue.Namespace, ARN: blue}} {
		if err := w.TagResource(t.Context(), w.mine, colour, customlabels.Tags{"Colour": p}); err != nil {
			t.Fatal(err)
		}
	}
	ann := user("ann")
	w.allow(ann, `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Action":["rekognition:ListProjectPolicies","rekognition:*Tag*"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/colour":"red"}}},
	 {"Effect":"Allow","Action":["rekognition:CreateProject","rekognition:TagResource"],"Resource":"arn:aws:rekognition:*:*:project/new*",
	  "Condition":{"StringEquals":{"aws:RequestTag/Team":"vision"},"ForAllValues:StringEquals":{"aws:TagKeys":["Team","Note"]}}},
	 {"Effect":"Deny","Action":["rekognition:TagResource","rekognition:UntagResource"],"Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"Colour"}}}]}`)
	list := func(p registry.Resource) error {
		_, err := w.ListTagsForResource(t.Context(), ann, p)
		return err
	}
	create := func(name string, tags customlabels.Tags) error {
		_, err := w.CreateProject(t.Context(), ann, registry.CreateProjectRequest{Name: name, Tags: tags})
		return err
	}
	r, b := registry.Resource{Namespace: red.Namespace, ARN: red}, registry.Resource{Namespace: blue.Namespace, ARN: blue}
	for name, c := range map[string]struct {
		got  error
		want bool
	}{
		"the resource's tag":          {list(r), true},
		"the resource's tag, another": {list(b), false},
		"the request's tag":           {create("new1", customlabels.Tags{"Team": "vision"}), true},
		"two tags":                    {create("new2", customlabels.Tags{"Team": "vision", "Note": "x"}), true},
		"a tag too many":              {create("new3", customlabels.Tags{"Team": "vision", "Other": "x"}), false},
		"the request's tag, another":  {create("new4", customlabels.Tags{"Team": "sound"}), false},
		"no tag":                      {create("new5", nil), false},
		"tag what is red":             {w.TagResource(t.Context(), ann, r, customlabels.Tags{"a": "b"}), true},
		"tag what is blue":            {w.TagResource(t.Context(), ann, b, customlabels.Tags{"a": "b"}), false},
		"a tag that is kept":          {w.TagResource(t.Context(), ann, r, customlabels.Tags{"Colour": "blue"}), false},
		"removal of a tag":            {w.UntagResource(t.Context(), ann, r, []string{"a"}), true},
		"removal of a tag that stays": {w.UntagResource(t.Context(), ann, r, []string{"a", "Colour"}), false},
		"an action that has no object": {func() error {
			_, _, err := w.DescribeProjects(t.Context(), ann, registry.DescribeProjectsRequest{})
			return err
		}(), false},
	} {
		if (c.got == nil) != c.want || c.got != nil && !errors.Is(c.got, customlabels.AccessDenied) {
			t.Errorf("%s: %v, want allowed %v", name, c.got, c.want)
		}
	}
}

func TestADenialKnowsItsCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	ann := user("ann")
	w.allow(ann, `{"Version":"2012-10-17","Statement":{"Sid":"NoDelete","Effect":"Deny","Action":"rekognition:Delete*","Resource":"*"}}`)
	var why *policy.DeniedError
	err := w.Authorize(t.Context(), ann, "rekognition:DeleteProject", p, p.Namespace)
	if !errors.As(err, &why) || why.Foreign || why.Decision.Verdict != policy.Deny || why.Principal != ann.Principal || !strings.Contains(why.Decision.Statement, "NoDelete") {
		t.Errorf("%v has the cause %+v", err, why)
	}
	err = w.Authorize(t.Context(), root(foreign), "rekognition:DeleteProject", p, p.Namespace)
	if !errors.As(err, &why) || !why.Foreign {
		t.Errorf("%v has the cause %+v, want a foreign one", err, why)
	}
}
