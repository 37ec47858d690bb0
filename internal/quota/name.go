package quota

import "slices"

// A Name names a quota.
type Name string

// The quotas on how much there may be of something. What is said to be of an
// account is of an account and region.
const (
	ProjectsPerAccount        Name = "ProjectsPerAccount"
	ModelsPerProject          Name = "ModelsPerProject"
	ProjectPoliciesPerProject Name = "ProjectPoliciesPerProject"
	CopiesInProgress          Name = "CopiesInProgress"
	TrainingsInProgress       Name = "TrainingsInProgress"
	HoursPerTraining          Name = "HoursPerTraining"
	RunningModels             Name = "RunningModels"
	InferenceUnits            Name = "InferenceUnits"
	ImagesPerDataset          Name = "ImagesPerDataset"
	LabelsPerDataset          Name = "LabelsPerDataset"
	ManifestBytes             Name = "ManifestBytes"
	LabelsPerImage            Name = "LabelsPerImage"
	BoxesPerImage             Name = "BoxesPerImage"
	TestImagesPerLabel        Name = "TestImagesPerLabel"
)

// Rate is the quota on how many requests of an operation an account may make
// in a second, in all regions together.
func Rate(operation string) Name { return Name(operation + "PerSecond") }

// Unlimited is the value of a rate that nobody has set.
const Unlimited = -1

// A Kind is what there is to know of a quota, whoever's it is.
type Kind struct {
	Name    Name
	AWS     int    // AWS's value
	Default int    // where nobody has set another
	Most    int    // the highest value that can be set
	About   string // what it bounds
}

// Kinds are all quotas: the amounts, then the rates, each in their order.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/limits.html and
// https://docs.aws.amazon.com/general/latest/gr/rekognition.html; for copies in
// progress AWS publishes no number, and of the hours of a training that it
// usually takes 24 at most.
var Kinds = slices.Concat([]Kind{
	amount(ProjectsPerAccount, 100, 1_000_000, "projects of an account and region"),
	amount(ModelsPerProject, 100, 1_000_000, "models of a project, copies among them"),
	amount(ProjectPoliciesPerProject, 5, 1000, "policies of a project"),
	amount(CopiesInProgress, 5, 10_000, "copies into an account and region that are in progress"),
	amount(TrainingsInProgress, 2, 10_000, "trainings of an account and region that are in progress"),
	amount(HoursPerTraining, 24, 100_000, "hours of work of a training"),
	amount(RunningModels, 2, 10_000, "models of an account and region that are started"),
	amount(InferenceUnits, 5, 1000, "inference units of a started model"),
	amount(ImagesPerDataset, 250_000, 10_000_000, "images of a dataset"),
	amount(LabelsPerDataset, 250, 1000, "labels of a dataset"),
	amount(ManifestBytes, 1<<30, 64<<30, "bytes of a manifest"),
	amount(LabelsPerImage, 50, 1000, "labels of an image"),
	amount(BoxesPerImage, 50, 1000, "bounding boxes of an image"),
	amount(TestImagesPerLabel, 1000, 10_000_000, "images of a label that a model is tested with"),
}, rates())

func amount(name Name, aws, most int, about string) Kind {
	return Kind{Name: name, AWS: aws, Default: aws, Most: most, About: about}
}

// rates are the quotas on requests: 50 a second for detection, 10 for tags, 5
// for everything else.
func rates() []Kind {
	perSecond := map[string]int{"DetectCustomLabels": 50, "TagResource": 10, "UntagResource": 10, "ListTagsForResource": 10}
	var all []Kind
	for _, operation := range []string{
		"CopyProjectVersion", "CreateDataset", "CreateProject", "CreateProjectVersion", "DeleteDataset", "DeleteProject",
		"DeleteProjectPolicy", "DeleteProjectVersion", "DescribeDataset", "DescribeProjectVersions", "DescribeProjects",
		"DetectCustomLabels", "DistributeDatasetEntries", "ListDatasetEntries", "ListDatasetLabels", "ListProjectPolicies",
		"ListTagsForResource", "PutProjectPolicy", "StartProjectVersion", "StopProjectVersion", "TagResource", "UntagResource",
		"UpdateDatasetEntries",
	} {
		aws, ok := perSecond[operation]
		if !ok {
			aws = 5
		}
		all = append(all, Kind{Rate(operation), aws, Unlimited, 1_000_000, "requests for " + operation + " a second"})
	}
	return all
}

// IsRate reports whether the quota is on requests in a second.
func (k Kind) IsRate() bool { return k.Default == Unlimited }

func kindOf(name Name) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}
