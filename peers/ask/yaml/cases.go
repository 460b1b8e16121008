package main

import (
	"fmt"
	"strings"
)

type testCase struct{ name, text string }

// cases combines forms of scalars, styles and contexts, comments in all places, and mistakes of all kinds.
func cases() []testCase {
	var found []testCase
	add := func(group string, texts ...string) {
		for _, text := range texts {
			found = append(found, testCase{fmt.Sprintf("%s-%d", group, len(found)), text})
		}
	}
	for _, scalar := range scalars {
		add("plain", "k: "+scalar+"\n")
	}
	for _, scalar := range scalars {
		add("item", "- "+scalar+"\n- x\n", "[a, "+scalar+", b]\n", "{k: "+scalar+", l: m}\n")
	}
	for _, scalar := range scalars {
		add("key", scalar+": v\n", "top:\n  "+scalar+": v\n")
	}
	for _, scalar := range scalars {
		add("quoted", "a: '"+strings.ReplaceAll(scalar, "'", "''")+"'\n", "a: "+fmt.Sprintf("%q", scalar)+"\n")
	}
	for _, tag := range []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary", "!!merge", "!mine", "!", "!!other", "!<tag:example.com,2000:x>", "!<tag:yaml.org,2002:str>"} {
		for _, scalar := range []string{"1", "1.5", "true", "null", "", "2001-01-01", "text", "aGVsbG8=", "'1'", "\"x\""} {
			add("tag", "a: "+tag+" "+scalar+"\n")
		}
		add("tag", "a: "+tag+" [x]\n", "a: "+tag+"\n  b: c\n", "- "+tag+" &x\n  - 1\n- *x\n", tag+" k: v\n")
	}
	for _, text := range strings.Split(texts, "\x00") {
		add("text", fmt.Sprintf("%q: 1\n", text), fmt.Sprintf("a: %q\nb: [%q]\n", text, text), fmt.Sprintf("- %q\n", text))
	}
	for _, header := range []string{"|", "|-", "|+", "|2", "|2-", "|1+", ">", ">-", ">+", ">2", "| # comment", "|-2"} {
		for _, body := range blocks {
			add("block", "a: "+header+"\n"+body+"b: 1\n", "- "+header+"\n"+body, "m:\n  a: "+header+"\n"+body)
		}
	}
	for _, text := range structures {
		add("structure", text)
	}
	// What a comparison of random texts once found.
	add("found", "? # head\n", "!t # head\n?", "<<: &x # c\n", "? # c    - e\n", "- x # line\n- item\n: 's'# c|2\na\n...\n~\u2028}  # indented\n\r\n|k: v # line\n- x # line\n",
		"~", "1.5\n\n=😀, \\", "? <<: ", "\n# foot\n\n=\t", "strip: |-\n  # text\n  \n # Clip\n\nkeep: |+\n  # text\n\n # Trail\n  # comments.\n")
	for _, text := range commented {
		add("comment", text)
	}
	// A comment before, beside and after every line of a document.
	for number, document := range documents {
		lines := strings.SplitAfter(strings.TrimSuffix(document, "\n"), "\n")
		for at := 0; at <= len(lines); at++ {
			for _, indent := range []string{"", "  ", "    "} {
				for _, around := range [][2]string{{"", ""}, {"\n", ""}, {"", "\n"}, {"\n", "\n"}} {
					comment := around[0] + indent + "# one\n" + around[1]
					text := strings.Join(lines[:at], "")
					if at == len(lines) {
						text += "\n"
					}
					text += comment + strings.Join(lines[at:], "") + "\n"
					add(fmt.Sprintf("comment-line-%d", number), text)
				}
			}
		}
		for at := range lines {
			beside := append([]string{}, lines...)
			beside[at] = strings.TrimSuffix(beside[at], "\n") + " # beside\n"
			add(fmt.Sprintf("comment-beside-%d", number), strings.Join(beside, ""))
			both := append([]string{}, beside...)
			both[at] += "  # below\n# and below\n"
			add(fmt.Sprintf("comment-both-%d", number), strings.Join(both, ""))
		}
	}
	for _, text := range mistakes {
		add("mistake", text, "first: line\n"+text, "# comment\n\n"+text)
	}
	add("random", randomTexts(1500)...)
	// Every document cut off at every byte, and with every byte replaced.
	for number, document := range documents[:3] {
		for at := range document {
			add(fmt.Sprintf("cut-%d", number), document[:at])
			for _, other := range []string{":", "\t", "[", "\"", "-", "\n", "&a", "*a", "{", "'", "#", "%", "!"} {
				if at%3 == 0 {
					add(fmt.Sprintf("replace-%d", number), document[:at]+other+document[at+1:])
				}
			}
		}
	}
	return found
}

var scalars = []string{
	"", "~", "null", "Null", "NULL", "nuLL", "true", "True", "TRUE", "tRue", "false", "False", "FALSE",
	"y", "Y", "yes", "Yes", "YES", "yEs", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
	"0", "-0", "+0", "1", "-1", "+1", "12345678901234567890", "18446744073709551615", "18446744073709551616",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "+9223372036854775808",
	"0777", "00", "01", "08", "09", "0o17", "0O17", "0o8", "-0o17", "+0o17", "0o-7", "0x1F", "0X1f", "0xG", "-0x1F", "0x", "0b101",
	"0B101", "-0b101", "0b102", "0b-1", "0b", "1_000", "0x_ff", "1_", "_1", "1__0", "0_7", "0o1_7",
	"1.0", "1.", ".5", "-.5", "+.5", "1.5e3", "1e3", "1E3", "1e+3", "1e-3", "1.5e", "e3", "1e999", "1e-999", "1.2.3", "1_000.5",
	"._5", ".5_5", ".5_", "0x1p4", "1e21", "1e20", "123456789.125", "0.0001", "0.00001", "1000000.5", "100000000000000000000",
	".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.INF", ".nan", ".NaN", ".NAN", "inf", "nan", ".iNF", ".", "..", "...x", "-", "-x", "--- x",
	"190:20:30", "1:2", "1:60", "1:2:3.5", "12:30", "-1:20", "1:2:",
	"2001-01-01", "2001-1-1", "2001-13-01", "2001-02-30", "2000-02-29", "1900-02-29", "2001-12-14T21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00",
	"2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43", "2001-12-14 21:59:43.123456789", "2001-12-14T21:59:43Z", "2001-12-14T21:59:43", "2001-12-14T21:59:43+00:00",
	"2001-12-14T1:2:3Z", "2001-12-14   1:2:3", "20011-01-01", "2001-1-", "2001-01-01x", "2001-01-01T25:00:00Z", "2001-01-01T00:00:00,5Z", "2001-01-01T00:00:00.Z",
	"<<", "=", "text", "two words", "a:b", "a: b", "a #b", "a#b", "#a", ":a", ":", "a:", "?a", "? a", "?", "- a", "-a", "--", "---", "...", "@a", "`a", "%a", "&a", "*a", "!a", "|a", ">a",
	"'a", "\"a", "[a", "]a", "{a", "}a", ",a", "a,b", "a]b", "a[b", "a}b", "a{b", "it's", "say \"x\"", "back\\slash", "tab\there", "é", "日本語", "😀", "a\u00a0b", "\u2028", "a\u0085b", "\ufeffx",
	"http://x.y/z?a=b&c=d#e", "*.example.com", "{{ .Values.x }}", "$(VAR)", "${VAR}", "a=b", "100m", "1Gi", "v1.2.3", "1.2.3-rc1", "sha256:abc", "0123", "1e5", "123e4", "0x", "12e03", "5e", "NaN", "Inf", "0.0", "-0.0", "1.10",
	"[]", "{}", "[a, b]", "{a: b}", "''", "\"\"", "'true'", "\"1\"", "'a' ", "a  b",
}

const texts = "\x00 \x00  \x00a\x00 a\x00a \x00a b\x00a\nb\x00a\nb\n\x00a\nb\n\n\x00\n\x00\n\n\x00\na\x00 a\nb\x00a \nb\x00a\n b\x00a\n\nb\x00a\tb\x00\ta\x00a\t\x00a\nb\tc\n\x00\t\n\x00a\rb\x00a\r\nb\x00\u0007\u0008\u000b\u000c\u001b\x00a\u0085b\x00a\u00a0b\x00a\u2028b\x00\ufeffabc\x00abc\ufeff\x00😀\x00\u007f\x00\u0080\x00\ufffd\x00\ufffe\x00é\x00'\x00\"\x00'\"\x00\\\x00a'b\x00a\"b\x00#\x00 #\x00a #b\x00a: b\x00- a\x00-\x00? a\x00---\x00---\na\x00...\x00%a\x00@\x00`\x00!x\x00&x\x00*x\x00|\x00>\x00,\x00[\x00]\x00{\x00}\x00a, b\x00~\x00null\x001\x001.5\x00true\x00yes\x00on\x00y\x00n\x000x1\x000o7\x0007\x001_0\x00190:20:30\x002001-01-01\x002001-01-01T00:00:00Z\x00.inf\x00<<\x00=\x00" +
	"aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh iiiiiiiiii jjjjjjjjjj kkkkkkkkkk llllllllll mmmmmmmmmm\x00" +
	"aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh  iiiiiiiiii:  jjjjjjjjjj: kkkkkkkkkk #llllllllll 'mmmmmmmmmm\x00" +
	"\"aaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee\tffffffffff gggggggggg hhhhhhhhhh  iiiiiiiiii:  jjjjjjjjjj: kkkkkkkkkk #llllllllll 'mmmmmmmmmm\x00" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00" +
	"ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé ééééééééééé\x00" +
	"1 aaaaaaaaaa bbbbbbbbbb: cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh iiiiiiiiii jjjjjjjjjj\x00" +
	"trailing space after a very long line of text that goes on and on until it is much longer than the width \x00" +
	" leading space before a very long line of text that goes on and on until it is much longer than the width"

var blocks = []string{
	"  a\n", "  a\n  b\n", "  a\n\n  b\n", "  a\n\n\n", "\n  a\n", "\n\n  a\n  b\n\n", "   a\n  b\n", "  a\n   b\n  c\n", "  a\n\n   b\n\n  c\n", "    a\n    b\n",
	"", "\n", "  \n", "  a", "  a \n", "  # no comment\n", "  a\n # less\n", "  \ta\n", "\t\n", "  a\n\tb\n", "  a: b\n", "  ---\n", "  é\n", "  a\r\n  b\r\n",
	"  a long line of text that goes on and on until it is much longer than the width of eighty columns\n  b\n",
}

var documents = []string{
	"a: 1\nb:\n  c: 2\n  d:\n  - x\n  - y\ne: 3\n",
	"a:\n- b: 1\n  c: 2\n- d\n-\n  e: f\ng: {h: i}\n",
	"- a\n- - b\n  - c\n- d: e\n",
	"a:\n  b:\n    c:\n      - d\n      - e: f\n        g: h\n    i: j\nk: l\n",
	"a: [b,\n  c,\n  d]\ne: {f: g,\n  h: i\n}\nj: k\n",
	"a: |\n  text\n  more\nb: >\n  folded\nc: 'x\n  y'\nd: plain\n  more\ne: end\n",
	"a: &x\n  b: c\nd: *x\n? e\n: f\n---\ng: h\n---\n- i\n",
	"a:\n  - b\n  - c\n\n  - d\ne:\n\n  f: g\n\nh: i\n",
}
