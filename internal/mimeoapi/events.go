package mimeoapi

import (
	"context"
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/customlabels"
	"mimeo/internal/events"
	"mimeo/internal/fault"
)

// eventTargetName is the name of a target in a request.
var eventTargetName = awsjson.Shape{Required: true, Length: awsjson.Between(1, 128), Pattern: awsjson.MustPattern(`[a-zA-Z0-9_.\-]+`)}

// eventConstraints are those of the operations on event targets.
var eventConstraints = map[string]awsjson.Shape{
	"PutEventTarget": {Members: map[string]awsjson.Shape{
		"Name": eventTargetName, "Url": {Required: true, Length: awsjson.Between(1, 2048)},
		"Secret": {Required: true, Length: awsjson.Between(1, 256)}, "EventTypes": {Length: awsjson.Between(0, 100), Item: &awsjson.Shape{Length: awsjson.Between(1, 128)}},
	}},
	"DeleteEventTarget":   {Members: map[string]awsjson.Shape{"Name": eventTargetName}},
	"ListDeadEvents":      {Members: map[string]awsjson.Shape{"Name": eventTargetName, "NextToken": {Length: awsjson.AtMost(64)}}},
	"RedeliverDeadEvents": {Members: map[string]awsjson.Shape{"Name": eventTargetName}},
}

type empty struct{}

type putEventTargetInput struct {
	Name, Url, Secret string
	EventTypes        []events.Type
}

func (a *API) putEventTarget(ctx context.Context, caller arn.Caller, in *putEventTargetInput) (*empty, error) {
	return nil, a.Events.PutEventTarget(ctx, caller, events.PutRequest{Name: in.Name, URL: in.Url, Secret: in.Secret, EventTypes: in.EventTypes})
}

type eventTarget struct {
	Name, Url         string
	EventTypes        []events.Type
	CreationTimestamp *time.Time
	WaitingEvents     int
	DeadEvents        int
}

type listEventTargetsOutput struct{ EventTargets []eventTarget }

func (a *API) listEventTargets(ctx context.Context, caller arn.Caller, _ *empty) (*listEventTargetsOutput, error) {
	targets, err := a.Events.ListEventTargets(ctx, caller)
	out := &listEventTargetsOutput{EventTargets: []eventTarget{}}
	for _, t := range targets {
		out.EventTargets = append(out.EventTargets, eventTarget{t.Name, t.URL, t.Types, &t.Created, t.Waiting, t.Dead})
	}
	return out, err
}

type eventTargetInput struct{ Name string }

func (a *API) deleteEventTarget(ctx context.Context, caller arn.Caller, in *eventTargetInput) (*empty, error) {
	return nil, a.Events.DeleteEventTarget(ctx, caller, in.Name)
}

type listDeadEventsInput struct{ Name, NextToken string }

type deadEvent struct {
	Id, Type          string
	ProjectVersionArn string
	Attempts          int
	Problem           string
	CreationTimestamp *time.Time
	DeathTimestamp    *time.Time
}

type listDeadEventsOutput struct {
	DeadEvents []deadEvent
	NextToken  string
}

func (a *API) listDeadEvents(ctx context.Context, caller arn.Caller, in *listDeadEventsInput) (*listDeadEventsOutput, error) {
	var after int64
	if in.NextToken != "" {
		var err error
		if after, err = strconv.ParseInt(in.NextToken, 10, 64); err != nil {
			return nil, fault.New(customlabels.InvalidPaginationToken, "Invalid Pagination Token")
		}
	}
	dead, more, err := a.Events.ListDeadEvents(ctx, caller, in.Name, after)
	out := &listDeadEventsOutput{DeadEvents: []deadEvent{}}
	for _, d := range dead {
		out.DeadEvents = append(out.DeadEvents, deadEvent{d.ID, string(d.Type), d.Version.String(), d.Attempts, d.Problem, &d.Created, &d.Died})
	}
	if more {
		out.NextToken = strconv.FormatInt(dead[len(dead)-1].Position, 10)
	}
	return out, err
}

type redeliverDeadEventsOutput struct{ Events int }

func (a *API) redeliverDeadEvents(ctx context.Context, caller arn.Caller, in *eventTargetInput) (*redeliverDeadEventsOutput, error) {
	n, err := a.Events.RedeliverDeadEvents(ctx, caller, in.Name)
	return &redeliverDeadEventsOutput{n}, err
}
