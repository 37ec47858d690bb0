package app

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"mimeo/internal/copier"
	"mimeo/internal/webhook"
)

// DefaultListen is the address of a server that was told no other.
const DefaultListen = "127.0.0.1:4577"

// A Config is all that a server can be told. A field left unset means what
// its comment says.
type Config struct {
	// DataDir holds everything that the server keeps.
	DataDir string
	// Listen is the TCP address, DefaultListen where empty. Port 0 takes a
	// free one.
	Listen string
	// TLSCert and TLSKey are PEM files; both or none. With them the port
	// speaks https.
	TLSCert, TLSKey string
	// MaxInFlight is how many requests to Rekognition, and how many to mimeo's
	// own operations, are worked on at once; DefaultMaxInFlight where 0. One
	// account has half of the places at most (see quota.Places). The next
	// request is answered ThrottlingException.
	MaxInFlight int
	// EventPrivateTargets lets events go to internal networks and to this
	// machine; unset, to public addresses only.
	EventPrivateTargets bool
	// ScrubEvery is after how long a blob is read again to see whether it is
	// whole; a week where zero.
	ScrubEvery time.Duration
	// CopyMode is how copies are made for which neither the request nor the
	// account says it: share, which it is where empty, or reseal.
	CopyMode string
	// TrainingMemory is how many MiB trainings may plan to take at once, all
	// together; DefaultTrainingMemory where 0. One that needs more fails, one
	// that needs what others have waits.
	TrainingMemory int
}

// DefaultTrainingMemory is enough, in MiB, for the largest classifier.
const DefaultTrainingMemory = 4096

func (c Config) scrubEvery() time.Duration { return cmp.Or(c.ScrubEvery, scrubEvery) }

// FromEnvironment fills what is unset in c from the variables MIMEO_DATA_DIR,
// MIMEO_LISTEN, MIMEO_TLS_CERT, MIMEO_TLS_KEY, MIMEO_COPY_MODE, MIMEO_MAX_IN_FLIGHT,
// MIMEO_TRAINING_MEMORY, MIMEO_SCRUB_EVERY and MIMEO_EVENT_PRIVATE_TARGETS, then with the defaults.
// What is no number or time where one belongs is refused when the server
// starts; of the last one, all but a plain "true" or "1" means no.
func (c Config) FromEnvironment(getenv func(string) string) Config {
	for _, f := range []struct {
		field              *string
		variable, standard string
	}{
		{&c.DataDir, "MIMEO_DATA_DIR", "mimeo-data"},
		{&c.Listen, "MIMEO_LISTEN", DefaultListen},
		{&c.TLSCert, "MIMEO_TLS_CERT", ""},
		{&c.TLSKey, "MIMEO_TLS_KEY", ""},
		{&c.CopyMode, "MIMEO_COPY_MODE", ""},
	} {
		if *f.field == "" {
			*f.field = getenv(f.variable)
		}
		if *f.field == "" {
			*f.field = f.standard
		}
	}
	c.MaxInFlight = numberFrom(c.MaxInFlight, getenv("MIMEO_MAX_IN_FLIGHT"))
	c.TrainingMemory = numberFrom(c.TrainingMemory, getenv("MIMEO_TRAINING_MEMORY"))
	if text := getenv("MIMEO_SCRUB_EVERY"); c.ScrubEvery == 0 && text != "" {
		every, err := time.ParseDuration(text)
		if err != nil || every == 0 {
			every = -1
		}
		c.ScrubEvery = every
	}
	if allow, err := strconv.ParseBool(getenv("MIMEO_EVENT_PRIVATE_TARGETS")); err == nil && allow {
		c.EventPrivateTargets = true
	}
	return c
}

// numberFrom is n, or the number that a variable has; -1 where it has none.
func numberFrom(n int, text string) int {
	if n != 0 || text == "" {
		return n
	}
	if n, err := strconv.Atoi(text); err == nil && n != 0 {
		return n
	}
	return -1
}

// trainingMemory is TrainingMemory or its default, in bytes.
func (c Config) trainingMemory() int64 {
	return int64(cmp.Or(c.TrainingMemory, DefaultTrainingMemory)) << 20
}

// maxInFlight is MaxInFlight or its default.
func (c Config) maxInFlight() int { return cmp.Or(c.MaxInFlight, DefaultMaxInFlight) }

// eventReach is how far events go.
func (c Config) eventReach() webhook.Reach {
	if c.EventPrivateTargets {
		return webhook.Internal
	}
	return webhook.Public
}

func (c Config) validate() error {
	switch {
	case c.ScrubEvery < 0:
		return fmt.Errorf("the time after which an artifact is read again (--scrub-every, MIMEO_SCRUB_EVERY) must be a time above 0, such as 168h")
	case c.DataDir == "":
		return fmt.Errorf("no data directory is given")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("--tls-cert and --tls-key belong together: one of them is missing")
	case c.MaxInFlight < 0:
		return fmt.Errorf("the maximum of requests in flight (--max-in-flight, MIMEO_MAX_IN_FLIGHT) must be a number above 0")
	}
	if c.TrainingMemory < 0 {
		return fmt.Errorf("the memory of trainings (--training-memory, MIMEO_TRAINING_MEMORY) must be a number of MiB above 0")
	}
	if _, err := copier.ParseMode(c.CopyMode); err != nil {
		return fmt.Errorf("--copy-mode: %w", err)
	}
	return nil
}

func (c Config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// endpoint is the URL under which clients on this machine reach address.
func (c Config) endpoint(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return c.scheme() + "://" + address.String()
	}
	if wanted, _, err := net.SplitHostPort(c.Listen); err == nil && wanted != "" && net.ParseIP(wanted) == nil {
		host = wanted // a name: certificates are for names
	} else if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return c.scheme() + "://" + net.JoinHostPort(host, port)
}

// The files of a data directory that app itself keeps.
func (c Config) blobDir() string     { return filepath.Join(c.DataDir, "blobs") }
func (c Config) scratchDir() string  { return filepath.Join(c.DataDir, "scratch") }
func (c Config) adminSocket() string { return filepath.Join(c.DataDir, "admin.sock") }
func (c Config) masterKey() string   { return filepath.Join(c.DataDir, "master.key") }
func (c Config) awsDir() string      { return filepath.Join(c.DataDir, "aws") }
