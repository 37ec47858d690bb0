package registry_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

// TestWhoMayLookAfterAVersion: a denial never tells whether there is one.
func TestWhoMayLookAfterAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	v := w.version(p, "v1", customlabels.TrainingInProgress).ARN
	gone, elsewhere := v, w.mine
	gone.Name, elsewhere.Region = "never", "eu-west-1"
	reader, nobody := user("reader"), user("nobody")
	w.allow(reader, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rekognition:Describe*","Resource":"*"}}`)
	abroad := v
	abroad.Region = "eu-west-1"
	for name, c := range map[string]struct {
		caller              arn.Caller
		version             arn.ProjectVersion
		describable, delete error
	}{
		"the owner":                        {w.mine, v, nil, nil},
		"who may only read":                {reader, v, nil, customlabels.AccessDenied},
		"who may nothing":                  {nobody, v, customlabels.AccessDenied, customlabels.AccessDenied},
		"who may nothing, of none":         {nobody, gone, customlabels.AccessDenied, customlabels.AccessDenied},
		"another account":                  {root(foreign), v, customlabels.AccessDenied, customlabels.AccessDenied},
		"another account, of none":         {root(foreign), gone, customlabels.AccessDenied, customlabels.AccessDenied},
		"the owner, of none":               {w.mine, gone, customlabels.ResourceNotFound, customlabels.ResourceNotFound},
		"the owner, in another Region":     {elsewhere, v, customlabels.InvalidParameter, customlabels.InvalidParameter},
		"the owner, of none, from another": {w.mine, abroad, customlabels.InvalidParameter, customlabels.InvalidParameter},
	} {
		for action, ask := range map[string]struct {
			do   func(context.Context, arn.Caller, arn.ProjectVersion) (customlabels.ProjectVersion, error)
			want error
		}{"describe": {w.Describable, c.describable}, "delete": {w.Deletable, c.delete}} {
			got, err := ask.do(t.Context(), c.caller, c.version)
			if !errors.Is(err, ask.want) || err == nil && got.ARN != c.version {
				t.Errorf("%s, %s: %v, %v; want %v", name, action, got.ARN, err, ask.want)
			}
		}
	}
}

// TestAnothersVersionIsNotLookedFor, whatever is asked of it.
func TestAnothersVersionIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	blind := registry.New(registry.Config{Permissions: w, Log: slog.New(slog.DiscardHandler), Now: w.now}) // has nothing to look in
	v := w.project("parts").Version("v1", "1")
	if _, err := blind.Describable(t.Context(), root(foreign), v); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("describe: %v", err)
	}
	if _, err := blind.Deletable(t.Context(), root(foreign), v); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("delete: %v", err)
	}
}
