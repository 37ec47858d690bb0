package apptest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// BenchmarkStart starts a server in a process of its own, on a data directory
// that is there, and reports until when it could be reached, and its memory a
// second later. The process is the test's own program, which is larger than
// mimeo.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	startVictim(b, dir).kill(b)
	var memory float64
	quantiles(b, func(int) time.Duration {
		var v victim
		took := since(func() { v = startVictim(b, dir) })
		b.StopTimer()
		time.Sleep(time.Second) // until it idles
		memory = residentMB(b, v.process.Process.Pid)
		v.kill(b)
		b.StartTimer()
		return took
	})
	b.ReportMetric(memory, "idle-MB")
}

// residentMB is the resident memory of a process in megabytes.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("memory is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kilobytes); err == nil {
			return kilobytes / 1000
		}
	}
	b.Fatal("/proc tells no VmRSS")
	return 0
}
