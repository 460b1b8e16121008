// Records what structured-merge-diff makes of sets of fields: each line has two sets as FieldsV1 and the results of
// the algebra over them. The sets are made from a fixed seed, out of few names, so that they overlap.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

type recorded struct {
	A             string `json:"a"`
	B             string `json:"b"`
	Same          string `json:"same"`
	Size          int    `json:"size"`
	Union         string `json:"union"`
	Intersection  string `json:"intersection"`
	Difference    string `json:"difference"`
	RecursiveDiff string `json:"recursiveDifference"`
	Leaves        string `json:"leaves"`
}

var elements = []string{
	"f:a", "f:b", "f:spec", "f:x.y/z", `f:qu\"ote`, "f:", "f:é",
	`k:{\"name\":\"a\"}`, `k:{\"name\":\"b\"}`, `k:{\"port\":80,\"protocol\":\"TCP\"}`, `k:{\"protocol\":\"UDP\",\"port\":53}`,
	`k:{\"name\":\"a<b>&c\"}`, `k:{\"on\":true}`,
	`v:\"x\"`, `v:1`, `v:2.5`, `v:true`, `v:null`, `v:[1,\"a\"]`, `v:{\"a\":1}`,
	"i:0", "i:10", "i:9",
}

// A set as somebody might have written it: in any order, with and without points.
func text(random *rand.Rand, depth int) string {
	var parts []string
	if depth > 0 {
		picked := random.Perm(len(elements))[:random.Intn(4)]
		for _, at := range picked {
			parts = append(parts, fmt.Sprintf(`"%s":%s`, elements[at], text(random, depth-1)))
		}
		if random.Intn(3) == 0 {
			parts = append(parts, `".":{}`)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func read(text string) *fieldpath.Set {
	set := &fieldpath.Set{}
	if err := set.FromJSON(strings.NewReader(text)); err != nil {
		panic(err)
	}
	return set
}

func write(set *fieldpath.Set) string {
	text, err := set.ToJSON()
	if err != nil {
		panic(err)
	}
	return string(text)
}

func main() {
	random := rand.New(rand.NewSource(7))
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for range 150 {
		a, b := text(random, 4), text(random, 4)
		x, y := read(a), read(b)
		line := recorded{
			A: a, B: b, Same: write(x), Size: x.Size(), Union: write(x.Union(y)), Intersection: write(x.Intersection(y)),
			Difference: write(x.Difference(y)), RecursiveDiff: write(x.RecursiveDifference(y)), Leaves: write(x.Leaves()),
		}
		if err := out.Encode(line); err != nil {
			panic(err)
		}
	}
}
