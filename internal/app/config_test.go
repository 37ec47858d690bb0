package app

import (
	"testing"
	"time"

	"mimeo/internal/webhook"
)

func TestNumbersAreAboveZero(t *testing.T) {
	t.Parallel()
	for variable, number := range map[string]struct {
		of       func(flag int) Config
		standard int
		value    func(Config) int
	}{
		"MIMEO_MAX_IN_FLIGHT":   {func(n int) Config { return Config{MaxInFlight: n} }, DefaultMaxInFlight, Config.maxInFlight},
		"MIMEO_TRAINING_MEMORY": {func(n int) Config { return Config{TrainingMemory: n} }, DefaultTrainingMemory, func(c Config) int { return int(c.trainingMemory() >> 20) }},
	} {
		t.Run(variable, func(t *testing.T) { checkNumber(t, variable, number.of, number.standard, number.value) })
	}
}

// checkNumber checks a number that a flag gives, or the environment.
func checkNumber(t *testing.T, variable string, of func(int) Config, standard int, value func(Config) int) {
	for name, test := range map[string]struct {
		flag     int
		variable string
		want     int
		refused  bool
	}{
		"nothing is said":       {0, "", standard, false},
		"the environment":       {0, "7", 7, false},
		"the flag wins":         {9, "7", 9, false},
		"zero":                  {0, "0", 0, true},
		"no number":             {0, "many", 0, true},
		"a number below zero":   {0, "-3", 0, true},
		"a flag below zero":     {-3, "", 0, true},
		"a flag beats nonsense": {9, "many", 9, false},
	} {
		c := of(test.flag)
		c.DataDir = "d"
		c = c.FromEnvironment(func(name string) string {
			if name == variable {
				return test.variable
			}
			return ""
		})
		if err := c.validate(); (err != nil) != test.refused {
			t.Errorf("%s: %v, want refused %v", name, err, test.refused)
		} else if err == nil && value(c) != test.want {
			t.Errorf("%s: %d, want %d", name, value(c), test.want)
		}
	}
}

func TestTheScrubsIntervalIsATimeAboveZero(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flag     time.Duration
		variable string
		want     time.Duration
		refused  bool
	}{
		"nothing is said":     {0, "", scrubEvery, false},
		"the environment":     {0, "36h", 36 * time.Hour, false},
		"the flag wins":       {time.Hour, "36h", time.Hour, false},
		"zero":                {0, "0s", 0, true},
		"no time":             {0, "weekly", 0, true},
		"a time below zero":   {0, "-1h", 0, true},
		"a flag below zero":   {-time.Hour, "", 0, true},
		"a number, no unit":   {0, "7", 0, true},
		"a flag for nonsense": {time.Hour, "weekly", time.Hour, false},
	} {
		c := Config{DataDir: "d", ScrubEvery: test.flag}.FromEnvironment(func(name string) string {
			if name == "MIMEO_SCRUB_EVERY" {
				return test.variable
			}
			return ""
		})
		if err := c.validate(); (err != nil) != test.refused {
			t.Errorf("%s: %v, want refused %v", name, err, test.refused)
		} else if err == nil && c.scrubEvery() != test.want {
			t.Errorf("%s: %v, want %v", name, c.scrubEvery(), test.want)
		}
	}
}

// TestEventsStayOutsideUnlessToldSo: nothing but a plain yes opens internal
// networks to webhooks.
func TestEventsStayOutsideUnlessToldSo(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]webhook.Reach{
		"": webhook.Public, "false": webhook.Public, "0": webhook.Public, "maybe": webhook.Public, "true": webhook.Internal, "1": webhook.Internal,
	} {
		c := Config{}.FromEnvironment(func(name string) string {
			if name == "MIMEO_EVENT_PRIVATE_TARGETS" {
				return variable
			}
			return ""
		})
		if got := c.eventReach(); got != want {
			t.Errorf("%q: got reach %d, want %d", variable, got, want)
		}
	}
	if got := (Config{EventPrivateTargets: true}).eventReach(); got != webhook.Internal {
		t.Errorf("the flag: got reach %d, want %d", got, webhook.Internal)
	}
}
