// Package webhook sends events over HTTP, signed as Standard Webhooks has it,
// to public addresses and no others. It follows no redirect, asks no proxy,
// and reads little of an answer.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mimeo/internal/events"
)

const (
	timeout       = 10 * time.Second // of a delivery, all in all
	lookupTimeout = 5 * time.Second
	maxAnswer     = 64 << 10 // bytes that are read of a body, to end it well
	maxHeader     = 16 << 10
	contentType   = "application/cloudevents+json; charset=UTF-8"
)

// Reach says how far a Sender may reach.
type Reach int

// Public is every public address; Internal is internal networks and this
// machine besides.
const (
	Public Reach = iota
	Internal
)

// A Sender is events.Sender.
type Sender struct {
	Reach Reach
	// Lookup resolves a name when a target is put; the system's where nil.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	client *http.Client
	now    func() time.Time
}

// New returns a Sender.
func New(reach Reach, now func() time.Time) *Sender {
	s := &Sender{Reach: reach, now: now}
	s.client = &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // its zero Proxy is none: a proxy would connect where control does not look
			DialContext:            (&net.Dialer{Timeout: timeout, Control: s.control}).DialContext,
			TLSHandshakeTimeout:    timeout,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2:      true,
		},
	}
	return s
}

// Send delivers a message once. Any answer of 200 to 299 is a delivery.
func (s *Sender) Send(ctx context.Context, m events.Message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	if err := s.sign(request, m); err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return &events.Undelivered{Problem: problem(err)}
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // only the status counts
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &events.Undelivered{Problem: fmt.Sprintf("The receiver answered %d.", response.StatusCode)}
	}
	return nil
}

func (s *Sender) sign(r *http.Request, m events.Message) error {
	webhook, err := standardwebhooks.NewWebhookRaw(m.Secret)
	if err != nil {
		return fmt.Errorf("read the secret: %w", err)
	}
	now := s.now()
	signature, err := webhook.Sign(m.ID, now, m.Body)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "mimeo")
	r.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// problem says why there was no answer, and no more than that: the details
// would tell of a network that the account cannot see.
func problem(err error) string {
	var timedOut interface{ Timeout() bool }
	var unknown *net.DNSError
	switch {
	case errors.Is(err, errForbidden) || errors.As(err, &unknown):
		return "The receiver was not asked: " + errForbidden.Error() + "."
	case errors.As(err, &timedOut) && timedOut.Timeout():
		return fmt.Sprintf("The receiver did not answer within %s.", timeout)
	default:
		return "The receiver could not be reached, or broke off."
	}
}
