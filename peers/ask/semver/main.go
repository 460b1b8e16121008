// Puts on record what Masterminds semver says: JSON lines on standard output.
//
//	{"versions":[...]}                       the versions, in the order of the marks below
//	{"version":v,"is":...}                   what a version parses to, coerced and strict
//	{"order":"<=>..."}                       each version compared with each other
//	{"range":r,"text":...,"marks":"01..."}   a range checked against each version
//	{"range":r,"version":v,"why":[...]}      the reasons of some refusals
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"github.com/Masterminds/semver/v3"
)

var versions = []string{
	"0.0.0", "0.0.1", "0.0.2", "0.1.0", "0.1.1", "0.2.0", "0.2.3", "0.3.0", "1", "v1", "1.0", "v1.0", "1.0.0", "v1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2", "1.2.0", "1.2.1", "1.2.3", "v1.2.3",
	"1.2.4", "1.3.0", "1.9.9", "1.10.0", "2.0.0", "2.1.0", "2.3.4", "3.0.0", "3.1.4", "10.0.0", "11.1.0", "12.0.0", "0.0.0-alpha", "0.0.1-rc.1", "0.1.0-beta", "1.0.0-0", "1.0.0-alpha",
	"1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.2.3-rc.1", "1.2.3-rc.2", "1.3.0-rc.1", "2.0.0-0", "2.0.0-rc1", "2.0.0-beta.1+x",
	"1.2.3+build", "1.2.3+build.2", "v1.2.3-rc.1+b", "1.28.4+k3s1", "1.28.4-gke.100", "v1.33.0-eks-1234", "01.02.03", "v2025.02.03-rc.1", "1.2.3-rc.01", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.2.3-a.", "1.2.3+a..b",
	"", "v", "V1.2.3", " 1.2.3", "1.2.3 ", "1.2.3.4", "1..2", "1.2.", ".1.2", "a.b.c", "1.x", "1.2.x", "x", "*", "-1.2.3", "+1.2.3", "1.2.3-é", "1.2.3_4", "1.2.3-a_b", "18446744073709551615.0.0", "18446744073709551616.0.0",
	"1.18446744073709551616.0", "1.2.99999999999999999999", "1.2.3-18446744073709551615", "1.2.3-18446744073709551616", "1.2.3-99999999999999999999", "1.2.3--", "1.2.3---a.-", "1.2.3-0a", "1.2.3-1", "1.2.3-2", "1.2.3-10", "1.2.3-a10", "1.2.3-a2", "1.2.3-A", "1.2.3-a.b.c",
	"1.2.3-a.b", "1.2.3-a.1", "1-rc", "1.2-rc.3", "v1-rc+m", "1+m", "latest", "sha-abc", "20240101", "2024.01.01", "1.2.3\n", "\t1", strings.Repeat("1", 256), strings.Repeat("1", 257), "1.2.3-" + strings.Repeat("a", 250), "1.2.3-" + strings.Repeat("a", 251),
}

var fixedRanges = []string{
	"", " ", "*", "x", "X", "1", "1.x", "1.X", "1.*", "1.x.x", "1.2", "1.2.x", "1.2.*", "1.2.3", "v1.2.3", "=1.2.3", "= 1.2.3", "==1.2.3", "!=1.2.3", "!=1", "!=1.2", "!=1.2.x", "!=1.x", "!= *", "!=1.2.3-rc.1", "!=1.2-rc",
	">1", ">1.2", ">1.2.3", ">1.2.3-rc.1", ">1.x", ">1.2.x", ">*", "<1", "<1.2", "<1.2.3", "<2.0.0-0", "<1.x", "<*", ">=1", ">=1.2", ">=1.2.3", ">=1.0.0-0", ">= 1.2", "=>1.2", "<=1", "<=1.2", "<=1.2.3", "=<1.2.3", "<=1.x", "<=*", "<=1.2-rc",
	"~1", "~1.2", "~1.2.3", "~>1.2.3", "~> 1.2", "~*", "~0", "~0.0", "~0.0.0", "~0.0.1", "~1.x", "~1.2.x", "~1.2.3-rc.1", "~0-0", "^1", "^1.2", "^1.2.3", "^0", "^0.0", "^0.0.0", "^0.0.1", "^0.1", "^0.2.3", "^*", "^1.x", "^0.x", "^0.0.x", "^1.2.3-rc.1", "^0.0.0-0", "^2.0.0-beta", "^ 1.2",
	"1.0 - 2.0", "1.0.0 - 1.2.3", "1 - 2", "1.0-2.0", "1.0 -2.0", "1.0- 2.0", "1.x - 2.x", "1.0.0-alpha - 1.0.0", "1.0 - 2.0 || 3.0 - 4.0", "1.0 - 2.0 3", ">=1.0 - 2.0", "1.0 - 2.0, !=1.2.3", "1.0  -  2.0", " 1.0 - 2.0 ", "v1 - v2", "1 - 2 - 3", "1.2.3.4 - 5", "1 - 2 || 1 - 2",
	">=1.2, <2", ">=1.2 <2", ">=1.2,<2", ">=1.2 ,<2", ">=1.2 , <2", ">= 1.2 < 2", ">=1.2<2", ">=1.2.3, <2.0.0 || >=3.0.0", "1.2.3 || 2.3.4", "1||2", "||", "1 ||", "|| 1", "1 | 2", "1|2", "1.2 || || 3", ">=1.0.0-0 <2.0.0-0", ">=1.0.0-0, <2", ">1-0", "1 2", "1, 2", "1,,2", "1,", ",1",
	"1.2.3+build", ">=1.2.3+build", "1.2.3-rc.1+b", "foo", ">= foo", "1.2.3.4", "a1.2", "1.2.3a", ">", ">=", "~", "^", "!", "!=", "=", "<>1", "><1", "> >1", "1.2.3-", "1.2.3+", "1.2.3-01", "1.01.2", ">=1.2.3-rc.01", "99999999999999999999", "1.99999999999999999999.x", "1x", "1.2x", "x1", "x.1", "x.x.x", "*.*.*", "x.2.3", "1.x.3", "1.*.3", "*-rc", "*-0", "x-0", ">=x-0", "1.x-0", "~1.x-0", "^1.x-rc.1",
	">=1.19.0-0", ">=1.28-0", ">= 1.22.0-0 < 1.34.0-0", "^1.2 || ^2.0.0-0", "\t1", "1\n", "1\v", "1\u00a0", ">=1.2.3 <1.2.5 !=1.2.4", "\"1\"", "é", "1.2.3 é", ">1.2.3 || <0.1 || ~2.1",
	strings.Repeat("1 ", 256), strings.Repeat("1 ", 257), strings.Repeat("1||", 31) + "1", strings.Repeat("1||", 32) + "1", ">0.0.0-0", ">=0.0.0-0", "<0.0.0", "=0", "=0.0", "=x",
}

func line(value any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func main() {
	var parsed []*semver.Version
	var good []string
	for _, v := range versions {
		is := map[string]any{"version": v}
		if version, err := semver.NewVersion(v); err != nil {
			is["error"] = text(err)
		} else {
			parsed = append(parsed, version)
			good = append(good, v)
			is["is"] = []any{version.String(), version.Major(), version.Minor(), version.Patch(), version.Prerelease(), version.Metadata()}
			var next []string
			if version.Major() < 1<<63 {
				patch, minor, major := version.IncPatch(), version.IncMinor(), version.IncMajor()
				next = []string{patch.Original(), minor.Original(), major.Original()}
			}
			is["next"] = next
		}
		if version, err := semver.StrictNewVersion(v); err != nil {
			is["strict"] = text(err)
		} else {
			is["strict"] = []string{version.String()}
		}
		line(is)
	}
	line(map[string]any{"versions": good})
	for _, a := range parsed {
		var marks strings.Builder
		for _, b := range parsed {
			marks.WriteByte("<=>"[a.Compare(b)+1])
		}
		line(map[string]any{"order": a.Original(), "marks": marks.String()})
	}
	ranges := append([]string{}, fixedRanges...)
	random := rand.New(rand.NewSource(1))
	pick := func(of ...string) string { return of[random.Intn(len(of))] }
	one := func() string {
		v := pick("0", "1", "2", "3", "x", "*", "10")
		for range random.Intn(3) {
			v += "." + pick("0", "1", "2", "3", "x", "*", "X", "9")
		}
		return pick("", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "^", "~") + pick("", "", "", " ") + pick("", "", "", "v") + v + pick("", "", "", "", "-0", "-rc.1", "-alpha", "+b", "-beta.2+m")
	}
	for range 600 {
		r := one()
		for range random.Intn(4) {
			r += pick(" ", ", ", ",", " || ", "||", " - ", " , ", "  ") + one()
		}
		ranges = append(ranges, r)
	}
	for index, r := range ranges {
		constraint, err := semver.NewConstraint(r)
		if err != nil {
			line(map[string]any{"range": r, "error": err.Error()})
			continue
		}
		var marks strings.Builder
		for _, version := range parsed {
			marks.WriteByte("01"[map[bool]int{true: 1}[constraint.Check(version)]])
		}
		constraint.IncludePrerelease = true
		var with strings.Builder
		for _, version := range parsed {
			with.WriteByte("01"[map[bool]int{true: 1}[constraint.Check(version)]])
		}
		constraint.IncludePrerelease = false
		out := map[string]any{"range": r, "text": constraint.String(), "marks": marks.String()}
		if with.String() != marks.String() {
			out["with"] = with.String()
		}
		line(out)
		if index%3 == 0 || index < len(fixedRanges) {
			for range 3 {
				version := parsed[random.Intn(len(parsed))]
				if ok, whys := constraint.Validate(version); !ok {
					var texts []string
					for _, why := range whys {
						texts = append(texts, why.Error())
					}
					line(map[string]any{"range": r, "version": version.Original(), "why": texts})
				}
			}
		}
	}
	fmt.Fprintln(os.Stderr, len(ranges), "ranges,", len(parsed), "versions")
}
