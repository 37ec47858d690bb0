package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// A Check is the name of one rule of the decision.
type Check string

// The checks, in the order in which they are made.
const (
	SourcePermission      Check = "SourcePermission"
	DestinationPermission Check = "DestinationPermission"
	CreatePermission      Check = "CreatePermission"
	TagPermission         Check = "TagPermission"
	SameRegion            Check = "SameRegion"
	SourceArns            Check = "SourceArns"
	SourceProject         Check = "SourceProject"
	SourceVersion         Check = "SourceVersion"
	DestinationProject    Check = "DestinationProject"
	SourceParent          Check = "SourceParent"
	SourceFeature         Check = "SourceFeature"
	DestinationFeature    Check = "DestinationFeature"
	SourceModel           Check = "SourceModel"
	VersionName           Check = "VersionName"
	DestinationStatus     Check = "DestinationStatus"
	OutputConfig          Check = "OutputConfig"
	KmsKey                Check = "KmsKey"
	TagQuota              Check = "TagQuota"
	Quotas                Check = "Quotas"
	RateLimit             Check = "RateLimit"
)

// A check is one rule. ask returns nil where it holds, a *fault.Error where
// it does not, and any other error where nobody can tell; a decision that a
// policy made comes with both answers.
type check struct {
	name     Check
	resource fmt.Stringer
	// after are the checks that must hold before this one is asked: its
	// answer would tell about something that is not there, or about something
	// that the caller may know nothing of.
	after  []Check
	ask    func(context.Context) (policy.Decision, error)
	remedy string
}

// checks is every rule of the decision, in the order that is part of the
// contract: authorisation comes before any look-up whose answer would reveal
// that the source exists, the name before the quotas.
func (d *decision) checks() []check {
	source, from, into := d.req.Source, d.req.SourceProject, d.req.DestinationProject
	aboutSource, aboutDestination := d.beforeSource(), []Check{DestinationPermission, CreatePermission}
	list := []check{
		{SourcePermission, source, nil, d.mayCopySource, "Have the owner of the source put a project policy that allows this principal to copy the version, and allow rekognition:CopyProjectVersion on it in the caller's own policies."},
		{DestinationPermission, into, nil, d.mayAtDestination(copyAction, into), "Allow rekognition:CopyProjectVersion on the destination project, as a principal of the account that owns it."},
		{CreatePermission, into, nil, d.mayAtDestination(createAction, into), "Allow rekognition:CreateProjectVersion on the destination project."},
		{SameRegion, into, nil, rule(d.sameRegion), "Send the request to the Region of the source and the destination; models do not cross Regions."},
		{SourceArns, source, nil, rule(d.sourceArns), "Give the ARN of the project that the source version belongs to."},
		{SourceProject, from, aboutSource, fact(d.findFrom), "Give the ARN of a project that exists, with its creation time."},
		{SourceVersion, source, aboutSource, fact(d.findSource), "Give the ARN of a version that exists, with its creation time."},
		{DestinationProject, into, aboutDestination, fact(d.findInto), "Create the destination project, or give its ARN with its creation time."},
		{SourceParent, source, []Check{SourceProject, SourceVersion}, rule(d.sourceParent), "Give the ARN of the project that the source version belongs to."},
		{SourceFeature, from, []Check{SourceProject}, rule(func() error { return hasCustomLabels(d.from) }), "Copy a model of a Custom Labels project."},
		{DestinationFeature, into, []Check{DestinationProject}, rule(func() error { return hasCustomLabels(d.into) }), "Copy into a Custom Labels project."},
		{SourceModel, source, []Check{SourceParent}, rule(func() error { return d.source.CanCopy() }), "Copy a version whose training or copying has completed."},
		{VersionName, d.copied, []Check{DestinationProject}, fact(d.nameIsFree), "Choose another VersionName, or delete the version that has it."},
		{DestinationStatus, into, []Check{DestinationProject}, rule(d.destinationStatus), "Wait, or choose a project that is not being deleted."},
		{OutputConfig, text("s3://" + d.req.Output.Bucket + "/" + d.req.Output.Key("*")), nil, d.mayWriteResults, "Name a bucket of the caller's account in this Region, and allow s3:PutObject below the prefix."},
		{KmsKey, text(d.req.KMSKeyID), nil, d.mayUseKey, "Name an enabled symmetric key of this Region, and allow kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey and kms:Decrypt on it."},
		{TagQuota, d.copied, nil, rule(func() error { return d.req.Tags.Check() }), "Give fewer tags."},
		{Quotas, into, []Check{VersionName, DestinationStatus}, fact(d.withinQuotas), "Wait until a copy has ended, delete versions of the project, or have the quota raised."},
	}
	if len(d.req.Tags) > 0 {
		tag := check{TagPermission, d.copied, nil, d.mayAtDestination(tagAction, d.copied), "Allow rekognition:TagResource on the version to be made, or give no tags."}
		list = slices.Insert(list, 3, tag)
	}
	if d.req.RateLimit > 0 {
		// The mode is a setting of the destination's account.
		list = append(list, check{RateLimit, into, aboutDestination, rule(d.canLimitRate), "Ask for Mode RESEAL, or give no RateLimit."})
	}
	return list
}

// beforeSource are the checks that must hold before the source is looked for.
// Of what belongs to another account a caller is told what a call would tell
// it, which ends at the first check that fails: all come first that speak of
// permissions and of the texts of the ARNs.
func (d *decision) beforeSource() []Check {
	if d.caller.Owns(d.req.Source.Namespace) && d.caller.Owns(d.req.SourceProject.Namespace) {
		return []Check{SourcePermission}
	}
	before := []Check{SourcePermission, DestinationPermission, CreatePermission, SameRegion, SourceArns}
	if len(d.req.Tags) > 0 {
		before = append(before, TagPermission)
	}
	return before
}

// text is a resource that is named by no ARN.
type text string

func (t text) String() string { return string(t) }

// rule is a check that asks no store and no policy, fact one that asks a store.
func rule(ask func() error) func(context.Context) (policy.Decision, error) {
	return func(context.Context) (policy.Decision, error) { return policy.Decision{}, ask() }
}

func fact(ask func(context.Context) error) func(context.Context) (policy.Decision, error) {
	return func(ctx context.Context) (policy.Decision, error) { return policy.Decision{}, ask(ctx) }
}

// A Verdict is what one check says.
type Verdict string

// The verdicts. Unknown is what is not looked at, because another check must
// hold first.
const (
	Allow   Verdict = "ALLOW"
	Deny    Verdict = "DENY"
	Unknown Verdict = "UNKNOWN"
)

// A Finding is what one check found.
type Finding struct {
	Check             Check
	Resource          string
	Verdict           Verdict
	Policy, Statement string // what decided, where policies did and the caller may know
	Reason, Remedy    string // of a verdict other than Allow
}

// findings makes the checks one after the other, for as long as it is asked to.
// Beside a finding of Deny stands the refusal; beside no finding, an error
// that is none.
func (d *decision) findings(ctx context.Context) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		holds := map[Check]bool{}
		for _, c := range d.checks() {
			f, err := c.find(ctx, holds)
			holds[c.name] = f.Verdict == Allow
			if !yield(f, err) {
				return
			}
		}
	}
}

// find makes a check, unless one that must hold before it does not.
func (c check) find(ctx context.Context, holds map[Check]bool) (Finding, error) {
	f := Finding{Check: c.name, Resource: c.resource.String(), Verdict: Allow}
	if i := slices.IndexFunc(c.after, func(needed Check) bool { return !holds[needed] }); i >= 0 {
		f.Verdict, f.Reason = Unknown, fmt.Sprintf("This is looked at only where %s is allowed.", c.after[i])
		f.Remedy = fmt.Sprintf("Mend %s first.", c.after[i])
		return f, nil
	}
	decided, err := c.ask(ctx)
	if err == nil {
		f.Policy, f.Statement = decided.Policy, decided.Statement
		return f, nil
	}
	f.Verdict, f.Remedy = Deny, c.remedy
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		f.Reason = refused.Message
	}
	if why := (*policy.DeniedError)(nil); errors.As(err, &why) && !why.Foreign {
		f.Policy, f.Statement = why.Decision.Policy, why.Decision.Statement
	}
	return f, err
}
