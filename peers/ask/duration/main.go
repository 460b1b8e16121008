// Records how Go reads and prints durations. One JSON line a case: {"in": text, "nanos": n, "out": text} or
// {"in": text, "error": text}.
package main

import (
	"encoding/json"
	"os"
	"time"
)

type recorded struct {
	In    string `json:"in"`
	Nanos *int64 `json:"nanos,omitempty"`
	Out   string `json:"out,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	record := func(text string) {
		line := recorded{In: text}
		if duration, err := time.ParseDuration(text); err != nil {
			line.Error = err.Error()
		} else {
			nanos := int64(duration)
			line.Nanos, line.Out = &nanos, duration.String()
		}
		if err := out.Encode(line); err != nil {
			panic(err)
		}
	}
	numbers := []string{"", "0", "1", "5", "07", "60", "90", "999", "1000", "3601", "1.5", ".5", "5.", ".", "0.1", "0.333333333333", "1.0000000001",
		"0.000000001", "123456789.987654321", "9223372036854775807", "9223372036854775808", "99999999999999999999", "2562047", "2562048", "0.9223372036854775807"}
	units := []string{"", "ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "S", "min", " s", "\"", "\n", "é"}
	for _, sign := range []string{"", "-", "+"} {
		for _, number := range numbers {
			for _, unit := range units {
				record(sign + number + unit)
			}
		}
	}
	for _, text := range []string{"1h30m", "10m0s", "1h0m0.5s", "1m1m", "2h3", "1h-5m", "1h 5m", "-1.5h30.25m", "2562047h47m16.854775807s", "2562047h47m16.854775808s",
		"-2562047h47m16.854775808s", "-2562047h47m16.854775809s", "1s2ms3us4ns", "--1s", "+-1s", "1e3s", "1_000s", "１s", "s", "hs", "1h.m", "1.1.1s"} {
		record(text)
	}
}
