package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/events"
	"mimeo/internal/webhook"
)

// TestCheck: what may be a target, with and without the operator's leave for
// internal networks. Names are resolved by a table.
func TestCheck(t *testing.T) {
	t.Parallel()
	names := map[string][]string{
		"public.example": {"93.184.216.34", "2606:2800:220:1::1"}, "inside.example": {"10.1.2.3"}, "both.example": {"93.184.216.34", "127.0.0.1"},
		"metadata.example": {"169.254.169.254"}, "localhost": {"127.0.0.1", "::1"}, "nat64.example": {"64:ff9b::a00:1"},
	}
	lookup := func(_ context.Context, host string) (all []netip.Addr, err error) {
		for _, text := range names[host] {
			all = append(all, netip.MustParseAddr(text))
		}
		if len(all) == 0 {
			return nil, errors.New("no such host")
		}
		return all, nil
	}
	const nobody, operator, everybody = 0, 1, 2
	for url, allowedTo := range map[string]int{
		"https://public.example/hook?x=1":     everybody,
		"http://93.184.216.34:8080/":          everybody,
		"https://[2606:2800:220:1::1]/":       everybody,
		"http://inside.example/":              operator,
		"http://both.example/":                operator,
		"http://localhost:8080/":              operator,
		"http://127.0.0.1/":                   operator,
		"http://127.9.9.9/":                   operator,
		"http://10.0.0.1/":                    operator,
		"http://172.16.0.1/":                  operator,
		"http://172.31.255.255/":              operator,
		"http://172.32.0.1/":                  everybody,
		"http://192.168.1.1/":                 operator,
		"http://100.64.0.1/":                  operator,
		"http://[::1]/":                       operator,
		"http://[fc00::1]/":                   operator,
		"http://[::ffff:127.0.0.1]/":          operator,
		"http://[::ffff:7f00:1]/":             operator,
		"http://[::ffff:10.0.0.1]/":           operator,
		"http://[::ffff:93.184.216.34]/":      everybody,
		"http://[::ffff:169.254.169.254]/":    nobody,
		"http://[::127.0.0.1]/":               nobody,
		"http://[64:ff9b::7f00:1]/":           nobody,
		"http://[2002:7f00:1::]/":             nobody,
		"http://[2001:0:1::]/":                nobody,
		"http://[fe80::1]/":                   nobody,
		"http://[fe80::1%25eth0]/":            nobody,
		"http://[2606:2800:220:1::1%25eth0]/": nobody,
		"http://[fd00:ec2::254]/":             nobody,
		"http://[ff02::1]/":                   nobody,
		"http://[::]/":                        nobody,
		"http://169.254.169.254/latest":       nobody,
		"http://metadata.example/":            nobody,
		"http://168.63.129.16/machine":        nobody,
		"http://nat64.example/":               nobody,
		"http://0.0.0.0/":                     nobody,
		"http://224.0.0.1/":                   nobody,
		"http://255.255.255.255/":             nobody,
		"http://2130706433/":                  nobody,
		"http://0x7f000001/":                  nobody,
		"http://0x7f.1/":                      nobody,
		"http://127.1/":                       nobody,
		"http://0177.0.0.1/":                  nobody,
		"http://127.0.0.1./":                  nobody,
		"http://127.0.0.0x1/":                 nobody,
		"http://unknown.example/":             nobody,
		"https://user:secret@public.example/": nobody,
		"https://user@public.example/":        nobody,
		"https://public.example/#f":           nobody,
		"ftp://public.example/":               nobody,
		"file:///etc/passwd":                  nobody,
		"//public.example/":                   nobody,
		"public.example":                      nobody,
		"https://":                            nobody,
		"https:///path":                       nobody,
		"http://%zz/":                         nobody,
		"":                                    nobody,
		"https://public.example/" + strings.Repeat("x", 2048): nobody,
	} {
		for reach, who := range map[webhook.Reach]int{webhook.Public: everybody, webhook.Internal: operator} {
			s := webhook.New(reach, time.Now)
			s.Lookup = lookup
			if err := s.Check(t.Context(), url); (err == nil) != (allowedTo >= who) {
				t.Errorf("%.100s, reach %d: got %v, want allowed %v", url, reach, err, allowedTo >= who)
			}
		}
	}
}

// TestRebinding: a name that was public when the target was put leads to this
// machine when a connection is made. Nothing arrives.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := webhook.New(webhook.Public, time.Now)
	s.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		url := fmt.Sprintf("http://%s:%s/", host, port)
		if err := s.Check(t.Context(), url); host == "localhost" && err != nil {
			t.Fatalf("the name is public yet: %v", err)
		}
		var undelivered *events.Undelivered
		err := s.Send(t.Context(), events.Message{URL: url, Secret: make([]byte, 32), ID: "1", Body: []byte("{}")})
		if !errors.As(err, &undelivered) || !strings.Contains(undelivered.Problem, "public address") {
			t.Errorf("%s: got %v, want a refusal of the address", url, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests arrived, want none", n)
	}
}

// FuzzCheck: where every name leads to an internal network, nothing is a
// target but the public address that is written in the URL itself.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"https://93.184.216.34/", "http://[2606:2800:220:1::1]:80/x", "http://127.1/", "http://inside.example/", "http://[::ffff:1.2.3.4]/", "http://1.1.1.1%00.example/"} {
		f.Add(seed)
	}
	s := webhook.New(webhook.Public, time.Now)
	s.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s.Check(t.Context(), text) != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%q is no URL and a target: %v", text, err)
		}
		to, err := netip.ParseAddr(u.Hostname())
		if err != nil || !to.Unmap().IsGlobalUnicast() || to.Unmap().IsPrivate() {
			t.Errorf("%q is a target: %s", text, to)
		}
	})
}
