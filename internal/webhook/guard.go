package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const maxURL = 2048

// errForbidden is all that is said of a host, whether it has no address or a
// forbidden one: nobody learns here which names an internal network has.
var errForbidden = errors.New("its host has no public address")

// Check refuses a URL that is none of http or https, holds credentials, or
// whose host has, now, an address that is not public. The address is checked
// again whenever a connection is made, so that a name which changes its mind
// gains nothing.
func (s *Sender) Check(ctx context.Context, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL:
		return fmt.Errorf("it is no URL, or longer than %d characters", maxURL)
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it must begin with https:// or http://")
	case u.User != nil:
		return errors.New("it must not hold a name or password: requests are signed with Secret")
	case u.Hostname() == "" || u.Fragment != "":
		return errors.New("it must name a host, and no fragment")
	}
	addresses, err := s.resolve(ctx, u.Hostname())
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if !s.allowed(a) {
			return errForbidden
		}
	}
	return nil
}

func (s *Sender) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if endsInNumber(host) { // some resolvers take 2130706433 or 127.1 for an address
		return nil, errors.New("its host is a number, but no IP address as it is usually written")
	}
	lookup := s.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addresses, err := lookup(ctx, host)
	if err != nil || len(addresses) == 0 {
		return nil, errForbidden
	}
	return addresses, nil
}

// endsInNumber is the rule of the URL standard for hosts that must be IPv4
// addresses: the last label is decimal or hexadecimal.
func endsInNumber(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	if digits, hex := strings.CutPrefix(last, "0x"); hex {
		_, err := strconv.ParseUint(digits, 16, 64)
		return digits == "" || err == nil
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// control is asked by the dialer for the very address that it is about to
// connect to.
func (s *Sender) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !s.allowed(to.Addr()) {
		return errForbidden
	}
	return nil
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// The special addresses of
// https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry: those of
// internal networks, which an operator may open, and the others, link-local
// ones with the metadata services of clouds among them, which nobody may.
// 168.63.129.16 is a public address in name only: Azure serves its machines there.
var (
	internal = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "::1/128", "fc00::/7")
	reserved = prefixes("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fd00:ec2::/32")
	global6 = netip.MustParsePrefix("2000::/3") // all of IPv6 that is routed
)

// allowed reports whether events may be sent to an address. An IPv4 address
// that is written as IPv6 is judged as what it is.
func (s *Sender) allowed(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	holds := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case slices.ContainsFunc(reserved, holds):
		return false
	case slices.ContainsFunc(internal, holds):
		return s.Reach == Internal
	default:
		return a.Is4() || global6.Contains(a)
	}
}
