// What Helm's grammar of `--set` and its kin makes of lines.
//
//	{"bases":[...]}                      values that are there before
//	{"h":way,"b":base,"l":line,"w":{...}}  what is other at the top afterwards; of numbers, those that are int64 are {"int":n},
//	                                       and of long lists only the length and the last item are told
//	{"h":way,"b":base,"l":line,"e":text}   why it was refused
//
// The first lines are written by hand, the rest are composed out of the grammar's signs, the same in each run.

package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"
)

var ways = []string{"set", "string", "json", "file", "literal"}

var bases = []string{
	`{}`,
	`{"a":1,"b":"text","c":null,"d":{"a":{"b":2},"c":[1,2]},"l":[1,"x",null,{"k":"v"},[true,[3]]],"e":{},"f":[],"t":true,"x":1.5}`,
}

var hand = []string{
	"", " ", ",", "=", "a", "a=", "a=1", "a,b", "a,b=1", "a=1,", "a=1,,b=2", ",a=1", "=1", "a==1", "a=b=c", "a = 1", " a=1", "a=1 ", "a= b", "a b=c d",
	"a=true", "a=TRUE", "a=True", "a=tRuE", "a=false", "a=FALSE", "a=null", "a=NULL", "a=Null", "a=nil", "a=~", "a=yes", "a=on",
	"a=0", "a=00", "a=-0", "a=+0", "a=1.5", "a=-1", "a=+1", "a=01", "a=-01", "a=+01", "a=0x1f", "a=0o7", "a=1e3", "a=1_000", "a=9223372036854775807", "a=9223372036854775808", "a=-9223372036854775808", "a=-9223372036854775809", "a=.5", "a=5.", "a=NaN", "a=Inf",
	"a.b=1", "a.b.c=1", "a.=1", ".a=1", ".=1", "..=1", "a..b=1", "a.b.=1", "a.b", "a.b,c=1", "a.", ".", "d.a=1", "d.a.b=3", "d.a.b.c=4", "d.c=1", "d.c[0]=9", "d.c[5]=9", "d.x.y=1", "d.a=null", "d=null", "e.x=1", "c.x=1", "b.x=1", "t.x=1", "x.y=1", "l.x=1", "a.x=1",
	"a[0]=1", "a[1]=1", "a[0]=1,a[1]=2", "a[1]=2,a[0]=1", "a[0].b=1", "a[0].b=1,a[0].c=2", "a[0].b.c[1]=x", "a[0][0]=1", "a[0][1][2]=x", "a[0]", "a[0", "a[", "a[]=1", "a[]", "a[x]=1", "a[-1]=1", "a[ 0]=1", "a[+1]=1", "a[01]=1", "a[0x1]=1", "a[1.0]=1", "a[65536]=1", "a[65537]=1", "a[99999999999999999999]=1", "a[0]b=1", "a[0]]=1", "a[0]=1,b", "[0]=1", "a.[0]=1", "a[0].=1", "a[0]..b=1", "a[0].b", "a[0].b,c=1", "a[0],b=1", "a[0]x", "a[0][", "a[0][x]=1", "a[0][-1]=1", "a[0][1", "a[0][1]",
	"l[0]=9", "l[5]=9", "l[7]=9", "l[0].k=1", "l[1].k=1", "l[2].k=1", "l[3].k=1", "l[3].j=1", "l[4].k=1", "l[0][0]=1", "l[2][0]=1", "l[4][0]=1", "l[4][1][0]=1", "l[4][1][2]=1", "l[3][0]=1", "c[0]=1", "b[0]=1", "e[0]=1", "f[0]=1", "t[0]=1", "d[0]=1", "l[0].k,m=1", "l[0].k",
	"a={}", "a={1}", "a={1,2}", "a={1,2},b=3", "a={1,2}b=3", "a={1,2}.b=3", "a={a b, c}", "a={ }", "a={,}", "a={,,}", "a={a,}", "a={,a}", "a={a", "a={a,", "a={", "a=}", "a={{}}", "a={{a},b}", "a={a=b}", "a={a.b}", "a={a[0]}", "a={null,true,0,1.5,x}", "a={a},", "a={a},,", "a.b={1},c={2}", "a[0]={1,2}", "a[0]={1,2},a[1]=3", "a={1\\,2}", "a={1\\}2}", "a={\\{1}", "a=x{1}", "a= {1}", "l={1}", "l={}", "d={1}", "c={1}",
	"a\\.b=1", "a\\,b=1", "a\\=b=1", "a\\[0]=1", "a\\[0\\]=1", "a\\\\b=1", "a=b\\,c", "a=b\\\\", "a=b\\", "a\\", "a\\=1", "a=\\n", "a=\\t\\\"", "a=\\{1,2\\}", "a=\\{1", "a=\"b\"", "a='b,c'", "a=\"b,c\"", "\"a.b\"=1", "a=b\\=c", "a\\ b=1", "\\a=1", "\\=1", "a[\\0]=1", "a[0\\]=1",
	"a=é", "é=1", "日本.語=中", "a=😀,b=1", "a[é]=1", "a={é,ü}", "a\n=1", "a=1\n", "a=\n", "a=\t1", "a\x00b=1", "a=\x00", "a=\xff", "\xff=1", "a.\xff=1", "a[0]\xff=1", "a=\u2028", "a[0]é=1", "a[0]\t=1", "a[0]\"=1", "a[0]'=1", "a[0]\\=1",
	"a:1", "a: 1", "a->b", "a;b=1", "a|b=1", "a=b;c=d", "a=$x", "a=${x}", "a=`x`", "a=#x", "#=1", "a#b=1", "a/b=1", "a=/b/c", "a=http://x/y?z=1&w=2", "a=k=v,b=k=v", "nodeSelector.kubernetes\\.io/role=master", "annotations.\"x.y/z\"=1", "ingress.hosts[0].paths[0].path=/*", "args={--a=b,--c=d}", "a=a1,b=1a", "a=- 1", "a=--1",
	strings.Repeat("a.", 28) + "b=1", strings.Repeat("a.", 29) + "b=1", strings.Repeat("a.", 30) + "b=1", strings.Repeat("a.", 31) + "b=1", strings.Repeat("a[0].", 29) + "b=1", strings.Repeat("a[0].", 30) + "b=1", strings.Repeat("a[0].", 31) + "b=1", "a" + strings.Repeat("[0]", 40) + "=1",
	`a={"b":1}`, `a={"b":1},c=2`, `a={"b":[1,null,"x",1.0,1e3]}`, `a=[]`, `a=[1,2],b=[3]`, `a=[1`, `a="x"`, `a="x`, `a="x",b="y"`, `a="x"y`, `a="x" ,b="y"`, `a="x" y,b=1`, `a= 1`, `a= 1 , b= 2`, `a=1 2`, `a=true`, `a=tru`, `a=null`, `a=,b=1`, `a= ,b=1`, `a=1,b=`, `a=1,b`, `a={"b":1`, `a={"b"}`, `a={b:1}`, `a={'b':1}`, `a[0]={"b":1}`, `a[0]=1,a[1]={"x":2}`, `a.b={"c":{"d":1}}`, `d={"a":{"z":1}}`, `d.a={"z":1}`, `d.a={"b":null}`, `a="\u00e9\n"`, `a="\ud83d\ude00"`, `a="\ud800"`, `a=01`, `a=1.`, `a=.5`, `a=-`, `a=-1`, `a=1e400`, `a=123456789012345678901234567890`, `a={"x":1,"x":2}`, `a={}`, `a={},b=1`, `a={"a.b":1}`, `a=[[1],[2]]`, `a=[1,]`, `a=nan`, "a=1\n,b=2", "a=\n1",
}

func files(name []rune) (any, error) {
	if strings.HasPrefix(string(name), "no") {
		return nil, fmt.Errorf("open %s: no such file or directory", string(name))
	}
	return "<" + string(name) + ">", nil
}

// Marks whole numbers that are none of JSON's.
func marked(value any) any {
	switch value := value.(type) {
	case int64:
		return map[string]any{"int": value}
	case int:
		return map[string]any{"int": value}
	case map[string]any:
		out := map[string]any{}
		for key, item := range value {
			out[key] = marked(item)
		}
		return out
	case []any:
		if len(value) > 1000 {
			return map[string]any{"length": len(value), "last": marked(value[len(value)-1])}
		}
		out := make([]any, len(value))
		for at, item := range value {
			out[at] = marked(item)
		}
		return out
	}
	return value
}

func read(base int) map[string]any {
	values := map[string]any{}
	if err := json.Unmarshal([]byte(bases[base]), &values); err != nil {
		panic(err)
	}
	return values
}

func answer(how string, base int, line string) map[string]any {
	values := read(base)
	told := map[string]any{"h": how, "b": base, "l": line}
	var err error
	switch how {
	case "set":
		err = strvals.ParseInto(line, values)
	case "string":
		err = strvals.ParseIntoString(line, values)
	case "json":
		err = strvals.ParseJSON(line, values)
	case "file":
		err = strvals.ParseIntoFile(line, values, files)
	default:
		err = strvals.ParseLiteralInto(line, values)
	}
	if err != nil {
		told["e"] = err.Error()
		return told
	}
	for key, value := range read(base) {
		if reflect.DeepEqual(values[key], value) {
			delete(values, key)
		}
	}
	told["w"] = marked(values)
	return told
}

// Signs of the grammar, the frequent ones often.
var signs = []string{
	"a", "b", "c", "d", "l", "e", "f", "a", "d", "l", ".", ".", ".", "=", "=", "=", "=", "[0]", "[1]", "[3]", "[4]", "[0]", "[", "]", ",", ",", "{", "}", "{1,x}", "{}", "\\", "\\.", "\\,", "1", "0", "-2", "true", "null", "x y", " ", "é", "\"", "\"s\"", "[1,2]", "{\"k\":1}", ":", "1.5",
}

var keys = []string{"a", "b", "c", "d", "l", "e", "f", "d.a", "d.c[0]", "d.c[2]", "l[3]", "l[3].k", "l[0]", "l[1]", "l[4][1]", "l[4][0]", "a.b", "a[0]", "a[1].b", "a[0][1]", "n.m", "n[1]", "n\\.m", "d.a.b"}
var values = []string{"1", "0", "-5", "true", "null", "x", "", "{}", "{1,b}", "{null,{}", "a\\,b", "a.b", "a=b", "[1]", "\"s\"", "{\"k\":[1,null]}", "[1,{\"x\":2.5}]", "nofile", " 3", "1.5", "007"}

func line(random *rand.Rand) string {
	if random.Intn(3) == 0 {
		var text strings.Builder
		for range 1 + random.Intn(12) {
			text.WriteString(signs[random.Intn(len(signs))])
		}
		return text.String()
	}
	var parts []string
	for range 1 + random.Intn(3) {
		parts = append(parts, keys[random.Intn(len(keys))]+"="+values[random.Intn(len(values))])
	}
	text := strings.Join(parts, ",")
	if random.Intn(4) == 0 {
		// One sign more.
		at := random.Intn(len(text) + 1)
		text = text[:at] + signs[random.Intn(len(signs))] + text[at:]
	}
	return text
}

func recordSet() {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	say := func(how string, base int, line string) {
		// What is no UTF-8 would not come back from JSON as it was.
		if strings.ToValidUTF8(line, "") != line {
			return
		}
		if err := encoder.Encode(answer(how, base, line)); err != nil {
			panic(err)
		}
	}
	var all []json.RawMessage
	for _, base := range bases {
		all = append(all, json.RawMessage(base))
	}
	if err := encoder.Encode(map[string]any{"bases": all}); err != nil {
		panic(err)
	}
	for _, line := range hand {
		for _, how := range ways {
			for base := range bases {
				say(how, base, line)
			}
		}
	}
	random := rand.New(rand.NewSource(7))
	for range 4000 {
		how, base := ways[random.Intn(len(ways))], random.Intn(len(bases))
		say(how, base, line(random))
	}
}
