// Puts on record what Go's text/template does with Helm's functions: JSON lines on standard output.
//
//	{"now":t,"data":...} the time of the recording, the dot of every template
//	{"t":text,"o":out}   a template and what it prints ("b": in base64, where it is no UTF-8)
//	{"t":text,"e":err}   a template and the error that ends it
//	{"p":true,...}       with text/template's own options instead of Helm's
//
// Run with TZ=UTC. An argument names the family of cases: core, funcs, typed, printf, compare,
// mutate, hand, unsteady, certificates.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
	_ "unsafe"

	"helm.sh/helm/v4/pkg/engine"
)

//go:linkname initFunMap helm.sh/helm/v4/pkg/engine.Engine.initFunMap
func initFunMap(e engine.Engine, t *template.Template)

//go:linkname funcMap helm.sh/helm/v4/pkg/engine.funcMap
func funcMap() template.FuncMap

var out = json.NewEncoder(os.Stdout)

const data = `{"t":true,"f":false,"n":null,"i":8080,"big":1000000,"x":1.5,"neg":-3,"zero":0,"s":"text","e":"","num":"12",
"list":[1,"a",null,true,2.5],"strs":["b","a","c"],"empty":[],"nest":[[1,2],[3]],"map":{"a":1,"b":"two","c":{"d":null,"e":[1]}},"none":{},
"deep":{"a":{"b":{"c":"leaf"}}},"people":[{"name":"Ann","age":30},{"name":"Bob","age":4.5}],"uni":"héllo wörld","multi":"one\ntwo\n\nthree\n"}`

var seen = map[string]bool{}

func ask(text string, plain bool) {
	key := fmt.Sprint(plain, text)
	if seen[key] {
		return
	}
	seen[key] = true
	var dot any
	if err := json.Unmarshal([]byte(data), &dot); err != nil {
		panic(err)
	}
	record := map[string]any{"t": text}
	t := template.New("gotpl")
	if plain {
		record["p"] = true
	} else {
		t.Option("missingkey=zero")
		initFunMap(engine.Engine{}, t)
	}
	var buf strings.Builder
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		if _, err := t.New("x").Parse(text); err != nil {
			return err
		}
		return t.ExecuteTemplate(&buf, "x", dot)
	}()
	switch {
	case err != nil && !utf8.ValidString(err.Error()):
		return
	case err != nil:
		record["e"] = err.Error()
	case utf8.ValidString(buf.String()):
		record["o"] = buf.String()
	default:
		record["b"] = base64.StdEncoding.EncodeToString([]byte(buf.String()))
	}
	if len(buf.String()) > 4000 || err != nil && (strings.Contains(err.Error(), "0xc0") || len(err.Error()) > 3000) {
		return
	}
	if strings.Contains(buf.String(), "0xc0") {
		return
	}
	if err := out.Encode(record); err != nil {
		panic(err)
	}
}

// Operands of every kind that a template can make.
var operands = []string{
	`.n`, `.nope`, `(.nope)`, `true`, `false`, `0`, `1`, `-7`, `42`, `1.5`, `-0.5`, `1e6`, `(int64 5)`, `(float64 3)`, `.i`, `.big`, `.x`, `""`, `"a"`, `"hello world"`, `"héllo"`, `"12"`, `"1.50"`, `"0x1f"`, `"a,b,c"`,
	`"Hello World_fooBar"`, `(list)`, `(list 1 "a" nil 2.5)`, `.list`, `.strs`, `(splitList "," "c,a,b")`, `(until 3)`, `(dict)`, `(dict "a" 1 "b" (dict "c" 2))`, `.map`, `.none`, `(split "," "a,b")`, `(index "abc" 0)`, `(semver "1.2.3").Major`, `(semver "v1.2.3-rc.1+b")`,
	`(chunk 2 (list 1 2 3))`, `.people`, `'c'`, `(toDate "2006-01-02" "2024-02-29")`,
}

var unsteady = map[string]bool{"now": true, "randAlpha": true, "randAlphaNum": true, "randAscii": true, "randNumeric": true, "randBytes": true, "randInt": true, "uuidv4": true, "shuffle": true, "bcrypt": true, "htpasswd": true, "genCA": true,
	"genCAWithKey": true, "genSelfSignedCert": true, "genSelfSignedCertWithKey": true, "genSignedCert": true, "genSignedCertWithKey": true, "genPrivateKey": true, "encryptAES": true, "keys": true, "values": true, "ago": true, "getHostByName": true, "buildCustomCert": true,
	"derivePassword": true, "durationRound": false, "dateInZone": false, "repeat": false}

func names() []string {
	all := map[string]bool{}
	for name := range funcMap() {
		all[name] = true
	}
	for _, name := range strings.Fields("and or not eq ne lt le gt ge index slice len print println printf html js urlquery call") {
		all[name] = true
	}
	var list []string
	for name := range all {
		if !unsteady[name] {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return list
}

func families(which string) {
	// A number after a colon is a seed for other cases of the family.
	which, seedText, _ := strings.Cut(which, ":")
	seed, err := strconv.ParseInt(seedText, 10, 64)
	if err != nil {
		seed = 7
	}
	random := rand.New(rand.NewSource(seed))
	pick := func(of []string) string { return of[random.Intn(len(of))] }
	switch which {
	case "names":
		for name := range funcMap() {
			fmt.Println(name)
		}
	case "hand":
		for _, text := range hand {
			ask(text, false)
		}
		for _, text := range core {
			ask(text, false)
			ask(text, true)
		}
	case "unsteady":
		for _, text := range unsteadyCases() {
			ask(text, false)
		}
	case "certificates":
		for _, text := range certificates() {
			ask(text, false)
		}
	case "funcs":
		show := func(call string) { ask(`{{ $r := `+call+` }}{{ printf "%T|%v" $r $r }}`, false) }
		for _, name := range names() {
			if name == "fail" || name == "include" || name == "tpl" || name == "lookup" {
				continue
			}
			show(name)
			for _, a := range operands {
				show(name + " " + a)
			}
			for range 14 {
				a, b := pick(operands), pick(operands)
				show(name + " " + a + " " + b)
				show(a + " | " + name + " " + b)
			}
			for range 10 {
				show(name + " " + pick(operands) + " " + pick(operands) + " " + pick(operands))
			}
			show(name + " 1 2 3 4")
			show(name + ` "a" "b" "c" "d"`)
		}
	case "typed":
		// Calls whose arguments have the right types more often than by chance.
		ints := []string{"0", "1", "2", "3", "5", "-1", "-2", "10", "100"}
		texts := []string{`""`, `"a"`, `"abc"`, `"a b c"`, `"Hello, World"`, `"héllo wörld"`, `"FooBarBaz"`, `"foo_bar-baz qux"`, `"HTTPServer2xx"`, `"one two three four five six seven"`, `"  pad  "`, `"aXbXc"`, `"X"`, `","`, `"a,b,,c"`, `"/a/b/../c.txt"`, `"123"`, `"日本語テキスト"`, `"\xff\xfe"`, `"tab\tnl\n"`, `"GO_PATH2"`}
		lists := []string{`(list)`, `(list 1 2 3)`, `(list "b" "a" "b")`, `(list 1 nil "" 0 false "x")`, `.list`, `.strs`, `.nest`, `(until 4)`, `(splitList "," "x,y,z")`, `(list (dict "a" 1) (dict "a" 1) (list 1) (list 1))`}
		maps := []string{`(dict)`, `(dict "a" 1 "b" 2)`, `(dict "a" (dict "x" 1) "c" (list 1))`, `.map`, `.none`, `.deep`, `(dict "a" "" "b" nil "c" false)`, `(dict "a" (dict "y" 2 "x" nil) "c" (list) "d" 0)`}
		nums := []string{"0", "1", "-1", "7", "3.7", "-2.5", `"12"`, `"3.99"`, `"0x10"`, `"010"`, `"1_000"`, ".i", ".big", "(int64 9)", "true", "1e18", "9223372036854775807", `"12.0"`, `"abc"`, ".x", "1e300"}
		kinds := map[byte][]string{'i': ints, 's': texts, 'l': lists, 'm': maps, 'n': nums}
		forms := strings.Fields(`trim:s upper:s lower:s title:s untitle:s swapcase:s snakecase:s kebabcase:s camelcase:s initials:s nospace:s trunc:is substr:iis repeat:is trimAll:ss trimSuffix:ss trimPrefix:ss contains:ss hasPrefix:ss hasSuffix:ss
			quote:s squote:s quote:n squote:n cat:sns indent:is nindent:is replace:sss plural:ssi sha1sum:s sha256sum:s sha512sum:s adler32sum:s toString:n atoi:s int:n int64:n float64:n toDecimal:n split:ss splitn:sis splitList:ss toStrings:l until:i untilStep:iii seq:i seq:ii seq:iii
			add:nnn add1:n sub:nn div:nn mod:nn mul:nnn add1f:n addf:nn addf:nnn subf:nn subf:nnn divf:nn mulf:nn mulf:nnn max:nnn min:nnn maxf:nnn minf:nnn ceil:n floor:n round:ni round:ni join:sl sortAlpha:l default:sn default:ns empty:n coalesce:nns all:nn any:nn compact:l
			toJson:l toJson:m toJson:n toJson:s toPrettyJson:m toRawJson:s toRawJson:m mustToJson:m toYaml:m toYaml:l toYaml:n toYaml:s toYamlPretty:m toYamlPretty:l toYamlPretty:s toYamlPretty:n toToml:m abbrev:is abbrevboth:iis wrap:is wrapWith:iss
			typeOf:n kindOf:n typeIs:sn kindIs:sl deepEqual:ll deepEqual:mm deepEqual:nn base:s dir:s clean:s ext:s isAbs:s b64enc:s b32enc:s b64dec:s b32dec:s list:nsl get:ms hasKey:ms pick:mss omit:mss merge:mm mergeOverwrite:mm merge:mmm mergeOverwrite:mmm dig:ssnm pluck:smm unset:ms set:msn
			append:ln prepend:ln first:l rest:l last:l initial:l reverse:l uniq:l without:lns has:nl has:sl slice:lii slice:li concat:ll chunk:il deepCopy:m deepCopy:l regexMatch:ss regexFind:ss regexFindAll:ssi regexReplaceAll:sss regexReplaceAllLiteral:sss regexSplit:ssi regexQuoteMeta:s urlParse:s
			index:li len:l len:m len:s html:s js:s urlquery:s print:nsl println:nns ternary:nn duration:n durationRound:s semver:s semverCompare:ss fromYaml:s fromJson:s fromYamlArray:s fromJsonArray:s fromToml:s toDate:ss htmlDate:n date:sn trimall:ss mustToDate:ss`)
		for _, form := range forms {
			name, kindsOf, _ := strings.Cut(form, ":")
			for range 12 * len(kindsOf) {
				call := name
				for i := range len(kindsOf) {
					call += " " + pick(kinds[kindsOf[i]])
				}
				if name == "ternary" {
					call += " " + pick([]string{"true", "false"})
				}
				if name == "repeat" && strings.Contains(call, "100") {
					continue
				}
				ask(`{{ $r := `+call+` }}{{ printf "%T|%v" $r $r }}`, false)
			}
		}
	case "printf":
		verbs := strings.Split("v +v #v T t b c d o O q x X U e E f F g G s p w", " ")
		kinds := []string{"true", "42", "-42", "0", "65", "(int64 128512)", "3.14159", "-2.5", "1e21", "1e-7", ".i", ".big", `"hi"`, `"héß\n\"q\""`, `""`, `(list 1 "a" nil)`, `.list`, `(splitList "," "a,b")`, `(dict "k" "v" "n" 1)`, `.map`, `.n`, `(index "a" 0)`, `(semver "1.2.3").Minor`, `(until 3)`, `(split "," "a,b")`, `1i`, `(semver "1.2.3")`}
		for _, verb := range verbs {
			for _, kind := range kinds {
				if verb == "p" && strings.HasPrefix(kind, "(") || verb == "p" && strings.HasPrefix(kind, ".") {
					continue
				}
				ask(`{{ printf "%`+verb+`" `+kind+` }}`, true == strings.HasPrefix(kind, "'"))
				for range 4 {
					flags := pick([]string{"", "+", "-", "#", "0", " ", "+0", "-0", "# ", "#+", "0-", "+ "})
					width := pick([]string{"", "8", "3", "12"})
					precision := pick([]string{"", "", ".0", ".2", ".5", ".", ".10"})
					plain := strings.TrimLeft(verb, "+#")
					ask(`{{ printf "<%`+flags+width+precision+plain+`>" `+kind+` }}`, false)
				}
			}
		}
		for _, text := range []string{`"%d %d" 1`, `"%d" 1 2`, `"%d" 1 "x" nil 2.5`, `"%!" 1`, `"%" 1`, `"%z" 1`, `"%[2]d %[1]d" 1 2`, `"%[3]d" 1`, `"%[x]d" 1`, `"%[]d" 1`, `"%[2" 1 2`, `"%*d" 5 1`, `"%-*d|" 5 1`, `"%*d|" -5 1`, `"%*d" "x" 1`, `"%.*f" 2 3.14159`, `"%.*f" -1 3.14159`, `"%[1]*d" 3`, `"%[2]*[1]d" 7 5`, `"%.[2]*[1]f" 3.14159 2`, `"%6.2f%%" 99.5`, `"%%" 1`, `"%%"`, `"no verbs"`, `"no verbs" 1`, `"%s"`, `"%v %v" nil nil`, `"%s" nil`, `"%d" nil`, `"%s %d" "a" "b"`, `"%-10s|%10s|" "ab" "cd"`, `"%05d|%5d|%-5d|%+d" 42 42 42 42`, `"%x %X %#x" 255 255 255`, `"%08b" 5`, `"%c%c%c" 72 105 0x1F600`, `"%U %#U" 0x1F600 0x1F600`, `"%q %+q %#q" "é" "é" "é"`, `"%q" 65`, `"%t" true`, `"%t" 1`, `"%e %E %g %G" 123456.789 123456.789 123456789.0 1e-10`, `"%.3g %.10g %#g" 1234.5678 1234.5678 1.0`, `"%6d|%-6d|%06d" -12 -12 -12`, `"%x" "hello"`, `"% x" "hello"`, `"%# x" "hello"`, `"%.2s|%.10s" "héllo" "héllo"`, `"%5t|%-7t|" true false`, `"%v" (list)`, `"%v" (dict)`, `"%d" (list 1 "a" 2.5)`, `"%s" (list "a" 1)`, `"%q" (list "a" "b")`, `"%x" (list "a" 255)`, `"%05.1f" 3.14159`, `"%+.2e" 12345.678`, `"%100000000d" 1`, `"%.100000000d" 1`, `"%é" 1`, `"%v" 1e100`, `"%f" 1e20`, `"%.0f" 0.5`, `"%.0f" 1.5`, `"%.0f" 2.5`, `"%b" 1.5`, `"%x" 1.5`, `"%.3x" 3.14159`, `"%X" -1.5`, `"%g" 100000.0`, `"%g" 1000000.0`, `"%g" 1e20`, `"%g" 1e21`, `"%v" 0.0001`, `"%v" 0.00001`, `"%v" 123456789.0`, `"%6.3v|" 3.14159`, `"%T" nil`, `"%T %T" 1 "a"`, `"%#v %#v %#v" "a" 1 1.0`, `"%#v" (dict "a" (list 1 nil))`, `"%+v" (dict "a" 1)`, `"%s" true`, `"%d" "x"`, `"%w" "x"`, `"%d" 3.0`, `"%s" .i`, `"%d" .i`, `"%v" .i`, `"%.2f" .i`, `"%s" .n`, `"%v" .map`, `1`, `.s "x"`, `.n`, `nil`} {
			ask(`{{ printf `+text+` }}`, false)
		}
	case "compare":
		ops := []string{"eq", "ne", "lt", "le", "gt", "ge"}
		for _, op := range ops {
			for _, a := range operands {
				for _, b := range operands {
					if op != "eq" && op != "lt" && random.Intn(12) > 0 || random.Intn(3) > 0 {
						continue
					}
					ask("{{ "+op+" "+a+" "+b+" }}", false)
				}
			}
		}
		for _, text := range []string{`eq 1`, `eq`, `eq 1 2 3 1`, `eq 1 "a"`, `eq nil nil`, `eq .n nil`, `ne 1 2 3`, `lt 1`, `lt "a" "b" "c"`, `eq "a" "b" "c" "a"`, `eq .i 8080`, `eq .i 8080.0`, `eq (int .i) 8080`, `lt .i 9000.0`, `lt .i 9000`, `gt 2 1.5`, `eq .list .list`, `eq .map .map`, `eq .map nil`, `eq .list nil`, `eq .none .n`, `ne .nope "a"`, `eq true 1`, `and 1 0 (div 1 0)`, `or 0 1 (div 1 0)`, `and`, `or`, `and 1`, `or 0`, `and true .nope`, `or .nope "x"`, `not`, `not 1 2`, `not .nope`, `not 0`, `1 | and 2`, `0 | or 2`, `"" | and 1`, `or .n .s`, `and .s .n`} {
			ask("{{ "+text+" }}", false)
			ask("{{ "+text+" }}", true)
		}
	case "mutate":
		sources := append(append([]string{}, core...), hand[:min(len(hand), 300)]...)
		pieces := []string{"{{", "}}", "{{-", "-}}", " ", "\n", "|", "(", ")", ".", "$", "$x", ":=", "=", ",", `"`, "`", "'", "end", "else", "if", "range", "with", "define", "template", "block", "break", "continue", "nil", "true", "1", "0x", "1e", "-", "/*", "*/", "é", "\\", "{{ end }}", "{{ else }}", "{{ if .t }}", "{{ $y }}", "index", "@", "%", "\t", "_"}
		for range 2600 {
			text := pick(sources)
			if len(text) == 0 || len(text) > 300 {
				continue
			}
			for range 1 + random.Intn(2) {
				at := random.Intn(len(text) + 1)
				switch random.Intn(3) {
				case 0:
					text = text[:at] + pick(pieces) + text[at:]
				case 1:
					end := min(len(text), at+1+random.Intn(4))
					text = text[:at] + text[end:]
				case 2:
					end := min(len(text), at+1+random.Intn(3))
					text = text[:at] + pick(pieces) + text[end:]
				}
			}
			if strings.Contains(text, "now") || strings.Contains(text, "rand") || strings.Contains(text, "uuid") || strings.Contains(text, "keys") || strings.Contains(text, "values") || !utf8.ValidString(text) {
				continue
			}
			ask(text, false)
		}
	}
}

func main() {
	out.SetEscapeHTML(false)
	if len(os.Args) > 1 && os.Args[1] == "-" {
		// Templates as JSON strings on standard input.
		decoder := json.NewDecoder(os.Stdin)
		for {
			var text string
			if decoder.Decode(&text) != nil {
				return
			}
			ask(text, false)
		}
	}
	if len(os.Args) > 1 && os.Args[1] == "names" {
		families("names")
		return
	}
	fmt.Printf(`{"now":%q,"data":%s}`+"\n", time.Now().UTC().Format(time.RFC3339), strings.ReplaceAll(data, "\n", ""))
	for _, which := range os.Args[1:] {
		families(which)
	}
}
