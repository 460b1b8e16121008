package main

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Quantities in every shape: what Go prints after reading them from JSON; null if it refuses them.
func recordQuantities() {
	var texts []string
	numbers := []string{"0", "1", "7", "8", "10", "15", "100", "999", "1000", "1001", "1023", "1024", "1025", "1500", "2048",
		"123456", "1048576", "128974848", "999999999999999999", "9223372036854775807", "9223372036854775808",
		"123456789012345678901234567890", "0.1", "0.5", "1.0", "1.5", "1.25", "2.000", "0.0001", "0.000000001",
		"0.0000000001", "1.23456789012", "1000.5", "007", "00.50", ".5", "5.", ".", "0.001", "12345.678"}
	suffixes := []string{"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
		"e3", "E3", "e-3", "e+3", "e1", "e2", "e0", "e21", "E-12", "e"}
	for _, sign := range []string{"", "-", "+"} {
		for _, number := range numbers {
			for _, suffix := range suffixes {
				texts = append(texts, sign+number+suffix)
			}
		}
	}
	texts = append(texts, "", " ", " 5 ", "lots", "1 Gi", "1gi", "1KI", "1B", "--1", "1-", "1e", "1e3e", "1i", "1eE3", "e3", "Gi",
		"0x10", "1_000", "1,5", "١", "1e99999999999999999999", "1e-30", "-", "+", "-0", "+0", "0m", "0Gi", "-0.0")
	for _, text := range texts {
		in, err := json.Marshal(text)
		check(err)
		var quantity resource.Quantity
		var want any
		if err := quantity.UnmarshalJSON(in); err == nil {
			want = quantity.ToUnstructured()
		}
		check(out.Encode(recorded{In: text, Want: want}))
	}
	check(bufferedOut.Flush())
}
