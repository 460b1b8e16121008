package main

import (
	"math/rand/v2"
	"strings"
)

// Pieces and lines that mean something to YAML.
var pieces = []string{
	"a", "b", ": ", ":", "- ", "-", "\n", "\n", "\n  ", "\n    ", " ", "# c", "#x\n", "[", "]", "{", "}", ", ", ",", "'", "\"", "&x ", "*x", "!t ",
	"!!str ", "!", "|", "|\n", ">\n", ">", "|+\n", ">-\n", "|2\n", "\n---\n", "\n...\n", "? ", "?", "<<: ", "%YAML 1.1\n", "\t", "\\", "\\x41", "\r\n",
	"\r", "~", "1", "0x1", "1.5", "true", "yes", "2001-01-01", "é", "\u0085", "\u2028", "😀", "@", "`", "=", "key: value\n", "- item\n", "  nested: true\n",
	"k: v # line\n", "# head\n", "\n\n", "  # indented\n", "- x # line\n", "  - y\n", "a:\n", "  b:\n", "    c: d\n", "    - e\n", "{a: b}", "[a, b]", "[]",
	"{}", "\"q\"", "'s'", "\n# foot\n\n",
}

var lines = []string{
	"a: b\n", "c:\n", "  d: e\n", "  - f\n", "- g\n", "- h: i\n", "  j: k\n", "    l: m\n", "      - n\n", "# c\n", "  # c\n", "    # c\n", "\n", "o: |\n",
	"  text\n", "  more text\n", "    deep\n", "p: >-\n", "q: 'x'\n", "r: [1, 2]\n", "s: {t: u}\n", "v: # c\n", "w: x # c\n", "- # c\n", "- - y\n",
	"  z: &a b\n", "  aa: *a\n", "---\n", "- |\n", "  [a,\n", "  b]\n", "{a: b,\n", " c: d}\n", "? x\n", ": y\n", "bb: \"q\n", "  r\"\n", "cc: plain\n", "  continued\n",
}

// randomTexts are the same every time.
func randomTexts(count int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range count {
		from, most := pieces, 25
		if len(texts)%2 == 0 {
			from, most = lines, 12
		}
		var text strings.Builder
		for range 1 + random.IntN(most) {
			text.WriteString(from[random.IntN(len(from))])
		}
		texts = append(texts, text.String())
	}
	return texts
}
