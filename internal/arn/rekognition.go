package arn

import (
	"fmt"
	"strings"
)

const rekognition = "rekognition"

// A Project is the ARN of a Rekognition project:
// arn:P:rekognition:R:A:project/NAME/STAMP. Stamp is the creation time in
// epoch milliseconds as the digits of the ARN.
type Project struct {
	Namespace
	Name, Stamp string
}

// A ProjectVersion is the ARN of a version of a project:
// arn:P:rekognition:R:A:project/PROJECT/version/NAME/STAMP. It carries the
// project's name but not the project's stamp: two projects of one name that
// existed one after the other cannot be told apart by it.
type ProjectVersion struct {
	Namespace
	ProjectName, Name, Stamp string
}

// A Dataset is the ARN of a project's dataset:
// arn:P:rekognition:R:A:project/PROJECT/dataset/TYPE/STAMP, where Type is
// "train" or "test".
type Dataset struct {
	Namespace
	ProjectName, Type, Stamp string
}

// ParseProject parses the ARN of a project.
func ParseProject(s string) (Project, error) {
	ns, parts, err := parseRekognition(s)
	if err != nil || len(parts) != 3 {
		return Project{}, fmt.Errorf("%w: %.100q is not a project", ErrMalformed, s)
	}
	return Project{Namespace: ns, Name: parts[1], Stamp: parts[2]}, nil
}

// ParseProjectVersion parses the ARN of a project version.
func ParseProjectVersion(s string) (ProjectVersion, error) {
	ns, parts, err := parseRekognition(s)
	if err != nil || len(parts) != 5 || parts[2] != "version" {
		return ProjectVersion{}, fmt.Errorf("%w: %.100q is not a project version", ErrMalformed, s)
	}
	return ProjectVersion{Namespace: ns, ProjectName: parts[1], Name: parts[3], Stamp: parts[4]}, nil
}

// ParseDataset parses the ARN of a dataset.
func ParseDataset(s string) (Dataset, error) {
	ns, parts, err := parseRekognition(s)
	if err != nil || len(parts) != 5 || parts[2] != "dataset" || parts[3] != "train" && parts[3] != "test" {
		return Dataset{}, fmt.Errorf("%w: %.100q is not a dataset", ErrMalformed, s)
	}
	return Dataset{Namespace: ns, ProjectName: parts[1], Type: parts[3], Stamp: parts[4]}, nil
}

// parseRekognition splits the resource of a Rekognition ARN at its slashes.
// The last part is always a stamp.
func parseRekognition(s string) (Namespace, []string, error) {
	a, err := Parse(s)
	if err != nil {
		return Namespace{}, nil, err
	}
	parts := strings.Split(a.Resource, "/")
	if a.Service != rekognition || a.Region == "" || !IsAccount(a.Account) || parts[0] != "project" || !isDigits(parts[len(parts)-1]) {
		return Namespace{}, nil, ErrMalformed
	}
	for _, part := range parts {
		if part == "" {
			return Namespace{}, nil, ErrMalformed
		}
	}
	return a.namespace(), parts, nil
}

func (p Project) String() string {
	return p.arn(rekognition, "project/"+p.Name+"/"+p.Stamp).String()
}

func (v ProjectVersion) String() string {
	return v.arn(rekognition, "project/"+v.ProjectName+"/version/"+v.Name+"/"+v.Stamp).String()
}

func (d Dataset) String() string {
	return d.arn(rekognition, "project/"+d.ProjectName+"/dataset/"+d.Type+"/"+d.Stamp).String()
}

// Version returns the ARN of a version of p.
func (p Project) Version(name, stamp string) ProjectVersion {
	return ProjectVersion{Namespace: p.Namespace, ProjectName: p.Name, Name: name, Stamp: stamp}
}

// Dataset returns the ARN of a dataset of p; kind is "train" or "test".
func (p Project) Dataset(kind, stamp string) Dataset {
	return Dataset{Namespace: p.Namespace, ProjectName: p.Name, Type: kind, Stamp: stamp}
}

// MayContain reports whether v can be a version of p as far as their texts
// tell: same namespace and same project name. See [ProjectVersion].
func (p Project) MayContain(v ProjectVersion) bool {
	return p.Namespace == v.Namespace && p.Name == v.ProjectName
}

// MarshalText returns the ARN.
func (p Project) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses the ARN of a project.
func (p *Project) UnmarshalText(b []byte) (err error) { *p, err = ParseProject(string(b)); return err }

// MarshalText returns the ARN.
func (v ProjectVersion) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText parses the ARN of a project version.
func (v *ProjectVersion) UnmarshalText(b []byte) (err error) {
	*v, err = ParseProjectVersion(string(b))
	return err
}

// MarshalText returns the ARN.
func (d Dataset) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses the ARN of a dataset.
func (d *Dataset) UnmarshalText(b []byte) (err error) { *d, err = ParseDataset(string(b)); return err }
