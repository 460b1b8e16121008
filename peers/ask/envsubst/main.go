// Puts on record what Flux's envsubst makes of texts: every form on every value, nested ones, and mistakes.
//
// Usage: go run . > ../../../crates/manifests/tests/corpus/envsubst.json
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/pkg/envsubst"
)

var variables = map[string]string{
	"v": "apple.tar.gz", "Up": "Word Two", "empty": "", "path": "/usr/local/bin", "u": "ünïcode ß", "n": "12345",
	"dash": "a-b-c", "star": "a*b?c[d]", "q": "say \"hi\"",
}

func main() {
	var texts []string
	names := []string{"v", "Up", "empty", "path", "u", "n", "dash", "star", "q", "missing"}
	forms := []string{
		"${%s}", "${#%s}", "${%s^}", "${%s^^}", "${%s,}", "${%s,,}", "${%s:-d}", "${%s:=d}", "${%s=d}", "${%s-d}",
		"${%s:+d}", "${%s:?d}", "${%s+d}", "${%s?d}", "${%s:2}", "${%s:2:3}", "${%s:-3}", "${%s: -3}", "${%s:99}",
		"${%s:1:99}", "${%s:0:0}", "${%s:x}", "${%s#*/}", "${%s##*/}", "${%s%%/*}", "${%s%%%%/*}", "${%s#a}", "${%s#*.}",
		"${%s##*.}", "${%s%%.*}", "${%s%%%%.*}", "${%s/a/X}", "${%s//a/X}", "${%s/#a/X}", "${%s/%%gz/X}", "${%s/a}", "${%s/a/}",
		"${%s//-/_}", "${%s/\\//|}", "${%s/\\\\/|}", "${%s//[ab]/x}", "${%s#[a-z]}", "${%s%%[0-9]}", "${%s#?}", "${%s%%?}",
		"${%s:-${v}}", "${%s:-${missing:-x}}", "${%s:-a${n}b}", "${%s/a/${n}}", "${%s#${dash}}", "${%s:-}", "${%s:=}",
		"$%s", "$$%s", "$${%s}", "$$${%s}", "$$$${%s}", "${%s", "${%s }", "${ %s}", "${%s.x}", "${%s:}", "${%s#}", "${%s%%}",
		"${%s/}", "${%s//}", "${%s^^^}", "${%s,^}", "${##%s}", "a${%s}b${v}c", "${%s}${%s}", "${%s:-$x}", "${%s:-a}b}",
		"${%s:-\\}}", "${%s:-'q'}", "\\${%s}", "$(%s)", "$", "$$", "${}", "${", "}", "${1}", "a $ b ${%s} $ c",
		"${%s[0]}", "${!%s}", "${%s@Q}",
	}
	for _, form := range forms {
		for _, name := range names {
			args := []any{}
			for i := 0; i+1 < len(form); i++ {
				if form[i] == '%' && form[i+1] == '%' {
					i++
				} else if form[i] == '%' && form[i+1] == 's' {
					args = append(args, name)
				}
			}
			texts = append(texts, fmt.Sprintf(form, args...))
			if len(args) == 0 {
				break
			}
		}
	}
	type answer struct {
		Text   string  `json:"text"`
		Strict bool    `json:"strict"`
		Want   *string `json:"want,omitempty"`
		Error  string  `json:"error,omitempty"`
	}
	out := struct {
		Tool      string            `json:"tool"`
		Variables map[string]string `json:"variables"`
		Cases     []answer          `json:"cases"`
	}{"github.com/fluxcd/pkg/envsubst v1.7.0", variables, nil}
	for _, text := range texts {
		for _, strict := range []bool{false, true} {
			a := answer{Text: text, Strict: strict}
			got, err := eval(text, strict)
			if err != nil {
				a.Error = err.Error()
			} else {
				a.Want = &got
			}
			out.Cases = append(out.Cases, a)
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}

func eval(text string, strict bool) (got string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic")
		}
	}()
	return envsubst.Eval(text, func(name string) (string, bool) {
		value, found := variables[name]
		return value, found || !strict
	})
}
