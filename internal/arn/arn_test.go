package arn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mimeo/internal/arn"
)

func TestEveryKindPrintsWhatItParsed(t *testing.T) {
	t.Parallel()
	parse := map[string]func(string) (fmt.Stringer, error){
		"arn":       func(s string) (fmt.Stringer, error) { return arn.Parse(s) },
		"project":   func(s string) (fmt.Stringer, error) { return arn.ParseProject(s) },
		"version":   func(s string) (fmt.Stringer, error) { return arn.ParseProjectVersion(s) },
		"dataset":   func(s string) (fmt.Stringer, error) { return arn.ParseDataset(s) },
		"key":       func(s string) (fmt.Stringer, error) { return arn.ParseKey(s) },
		"principal": func(s string) (fmt.Stringer, error) { return arn.ParsePrincipal(s) },
	}
	tests := []struct {
		text  string
		kinds string // that accept the text, besides "arn"
	}{
		{"arn:aws:rekognition:us-east-1:111122223333:project/my-project/1690405809285", "project"},
		{"arn:aws-cn:rekognition:cn-north-1:111122223333:project/a.b_c-d/0", "project"},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/version/1/16567050987651", "version"},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/dataset/train/1", "dataset"},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/dataset/test/1", "dataset"},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/dataset/TEST/1", ""},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/other/x/1", ""},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/version//1", ""},
		{"arn:aws:rekognition:us-east-1:555555555555:project//1", ""},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/1x", ""},
		{"arn:aws:rekognition:us-east-1:555555555555:project/P/", ""},
		{"arn:aws:rekognition:us-east-1:55555555555:project/P/1", ""},
		{"arn:aws:rekognition::555555555555:project/P/1", ""},
		{"arn:aws:s3:us-east-1:555555555555:project/P/1", ""},
		{"arn:aws:kms:us-east-1:555555555555:key/1234abcd", "key"},
		{"arn:aws:kms:us-east-1:555555555555:alias/mine", ""},
		{"arn:aws:kms:us-east-1:555555555555:key/", ""},
		{"arn:aws:iam::555555555555:root", "principal"},
		{"arn:aws:iam::555555555555:user/path/Anna", "principal"},
		{"arn:aws:sts::555555555555:assumed-role/R/S", "principal"},
		{"arn:aws:iam::5555:root", ""},
	}
	for _, test := range tests {
		for kind, parse := range parse {
			got, err := parse(test.text)
			if want := kind == "arn" || kind == test.kinds; want != (err == nil) {
				t.Errorf("%s of %s: error %v, want accepted %v", kind, test.text, err, want)
			}
			if err != nil && !errors.Is(err, arn.ErrMalformed) {
				t.Errorf("%s of %s: %v is no ErrMalformed", kind, test.text, err)
			}
			if err == nil && got.String() != test.text {
				t.Errorf("%s of %s prints %s", kind, test.text, got)
			}
		}
	}
}

func TestMalformedARNs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "arn", "arn:aws:s3", "arn:aws:s3:::", "arn::s3:::b", "arn:aws::::b", "ARN:aws:s3:::b", "arn:aws:s3:::" + strings.Repeat("b", 2048)} {
		if got, err := arn.Parse(text); !errors.Is(err, arn.ErrMalformed) {
			t.Errorf("Parse(%.40q) = %v, %v; want ErrMalformed", text, got, err)
		}
	}
}

func TestServicesArePrincipals(t *testing.T) {
	t.Parallel()
	const host = "rekognition.amazonaws.com"
	p, err := arn.ParsePrincipal(host)
	if err != nil || p != arn.Service(host) || !p.IsService() || p.IsRoot() || p.String() != host {
		t.Errorf("ParsePrincipal(%q) = %+v, %v", host, p, err)
	}
	if root := arn.Root("aws", "555555555555"); !root.IsRoot() || root.IsService() {
		t.Errorf("%s is not taken for a root", root)
	}
}

func TestTextFormsSurviveJSON(t *testing.T) {
	t.Parallel()
	type record struct {
		Project arn.Project
		Version arn.ProjectVersion
		Dataset arn.Dataset
		Key     arn.Key
		NoKey   arn.Key
		Caller  arn.Caller
	}
	project := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "eu-west-1", Account: "111122223333"}, Name: "p", Stamp: "17"}
	want := record{
		Project: project, Version: project.Version("v", "18"), Dataset: project.Dataset("train", "19"),
		Key:    arn.Key{Namespace: project.Namespace, ID: "k"},
		Caller: arn.Caller{Principal: arn.Root("aws", "111122223333"), Region: "eu-west-1"},
	}
	encoded, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got record
	if err := json.Unmarshal(encoded, &got); err != nil || got != want {
		t.Errorf("%s decodes to %+v, %v; want %+v", encoded, got, err, want)
	}
}

func TestAProjectMayContainItsVersionsOnly(t *testing.T) {
	t.Parallel()
	project := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "eu-west-1", Account: "111122223333"}, Name: "p", Stamp: "17"}
	foreign := project
	foreign.Account = "555555555555"
	other := project
	other.Name = "pp"
	for _, test := range []struct {
		of   arn.Project
		want bool
	}{{project, true}, {foreign, false}, {other, false}} {
		if got := project.MayContain(test.of.Version("v", "1")); got != test.want {
			t.Errorf("%s may contain %s: %v, want %v", project, test.of.Version("v", "1"), got, test.want)
		}
	}
}

func ExampleParseProjectVersion() {
	v, err := arn.ParseProjectVersion("arn:aws:rekognition:us-east-1:111122223333:project/parts/version/v1/1656611123456")
	fmt.Println(v.Account, v.ProjectName, v.Name, err)
	// Output: 111122223333 parts v1 <nil>
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1")
	f.Add("arn:aws:iam::555555555555:root")
	f.Add("arn:::::")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := arn.Parse(text); err == nil && a.String() != text {
			t.Errorf("Parse(%q) prints %q", text, a)
		}
		if v, err := arn.ParseProjectVersion(text); err == nil && v.String() != text {
			t.Errorf("ParseProjectVersion(%q) prints %q", text, v)
		}
		if p, err := arn.ParsePrincipal(text); err == nil && p.String() != text {
			t.Errorf("ParsePrincipal(%q) prints %q", text, p)
		}
	})
}
