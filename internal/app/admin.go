package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"mimeo/internal/fault"
	"mimeo/internal/proof"
	"mimeo/internal/quota"
)

// The admin socket serves operators of the machine: whoever may write to the
// socket's file. It is never reachable over the network.
//
//	GET /accounts, POST /accounts, DELETE /accounts/{id}
//	POST /accounts/{id}/copy-mode
//	GET /accounts/{id}/quotas, POST /accounts/{id}/quotas
//	POST /verifications, GET /record-keys, POST /record-keys

const maxAdminBody = 64 << 10

// listenAdmin opens the socket. What a killed server left behind is removed:
// the data directory is locked, so nobody uses it.
func listenAdmin(ctx context.Context, file string) (net.Listener, error) {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", file)
	if err != nil {
		if errors.Is(err, syscall.EINVAL) {
			err = fmt.Errorf("%w: the path may be too long for a socket, choose a shorter data directory", err)
		}
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return l, nil
}

func adminRoutes(s Accounts, q Quotas, p Proofs, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, r *http.Request) {
		all, err := s.List(r.Context())
		answerAdmin(w, r, logger, all, err)
	})
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		var a NewAccount
		err := decodeAdmin(w, r, &a)
		if err == nil {
			err = s.Create(r.Context(), a)
		}
		answerAdmin(w, r, logger, struct{}{}, err)
	})
	mux.HandleFunc("DELETE /accounts/{id}", func(w http.ResponseWriter, r *http.Request) {
		answerAdmin(w, r, logger, struct{}{}, s.Delete(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("POST /accounts/{id}/copy-mode", func(w http.ResponseWriter, r *http.Request) {
		var mode string
		err := decodeAdmin(w, r, &mode)
		if err == nil {
			err = s.SetCopyMode(r.Context(), r.PathValue("id"), mode)
		}
		answerAdmin(w, r, logger, struct{}{}, err)
	})
	mux.HandleFunc("GET /accounts/{id}/quotas", func(w http.ResponseWriter, r *http.Request) {
		all, err := q.Quotas(r.Context(), r.PathValue("id"))
		answerAdmin(w, r, logger, all, err)
	})
	mux.HandleFunc("POST /accounts/{id}/quotas", func(w http.ResponseWriter, r *http.Request) {
		var values quota.Values
		err := decodeAdmin(w, r, &values)
		if err == nil {
			err = q.Set(r.Context(), r.PathValue("id"), values)
		}
		answerAdmin(w, r, logger, struct{}{}, err)
	})
	mux.HandleFunc("POST /verifications", func(w http.ResponseWriter, r *http.Request) {
		var of verification
		var report *proof.Report
		err := decodeAdmin(w, r, &of)
		if err == nil {
			report, err = p.Verify(r.Context(), of.Version, of.Keys)
		}
		answerAdmin(w, r, logger, report, err)
	})
	mux.HandleFunc("GET /record-keys", func(w http.ResponseWriter, r *http.Request) {
		all, err := p.RecordKeys(r.Context())
		answerAdmin(w, r, logger, all, err)
	})
	mux.HandleFunc("POST /record-keys", func(w http.ResponseWriter, r *http.Request) {
		answerAdmin(w, r, logger, struct{}{}, p.RotateRecordKey(r.Context()))
	})
	return mux
}

func decodeAdmin(w http.ResponseWriter, r *http.Request, into any) error {
	return json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(into)
}

func answerAdmin(w http.ResponseWriter, r *http.Request, logger *slog.Logger, result any, err error) {
	if err != nil {
		logger.WarnContext(r.Context(), "admin", "request", r.Method+" "+r.URL.Path, "error", err)
		http.Error(w, operatorText(err), http.StatusBadRequest)
		return
	}
	logger.InfoContext(r.Context(), "admin", "request", r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // the operator went away
}

// operatorText is what an operator is told: everything, but for a fault only
// its message.
func operatorText(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

// An adminClient asks a running server.
type adminClient struct{ http *http.Client }

func newAdminClient(socket string) *adminClient {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &adminClient{&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Create asks the server to make an account.
func (c *adminClient) Create(ctx context.Context, a NewAccount) error {
	return c.call(ctx, http.MethodPost, "/accounts", a, nil)
}

// List asks the server for its accounts.
func (c *adminClient) List(ctx context.Context) (all []Account, err error) {
	err = c.call(ctx, http.MethodGet, "/accounts", nil, &all)
	return all, err
}

// Delete asks the server to close an account.
func (c *adminClient) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/accounts/"+url.PathEscape(id), nil, nil)
}

// SetCopyMode asks the server to set how copies into an account are made.
func (c *adminClient) SetCopyMode(ctx context.Context, id, mode string) error {
	return c.call(ctx, http.MethodPost, "/accounts/"+url.PathEscape(id)+"/copy-mode", mode, nil)
}

// Quotas asks the server for the quotas of an account.
func (c *adminClient) Quotas(ctx context.Context, account string) (all []quota.Quota, err error) {
	err = c.call(ctx, http.MethodGet, "/accounts/"+url.PathEscape(account)+"/quotas", nil, &all)
	return all, err
}

// Set asks the server to change quotas of an account.
func (c *adminClient) Set(ctx context.Context, account string, values quota.Values) error {
	return c.call(ctx, http.MethodPost, "/accounts/"+url.PathEscape(account)+"/quotas", values, nil)
}

func (c *adminClient) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	switch {
	case err != nil:
		return fmt.Errorf("read the server's answer: %w", err)
	case response.StatusCode != http.StatusOK:
		return errors.New(strings.TrimSpace(string(answer)))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the server's answer: %w", err)
	}
	return nil
}
