// Puts on record what Go's path/filepath.Match, Flux's ignore matcher and Go's archive/tar answer:
// `go run . DIR` writes DIR/glob.tsv, DIR/ignore.txt and DIR/tar.txt. Deterministic.
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

func main() {
	dir := os.Args[1]
	random := rand.New(rand.NewSource(1))
	write(filepath.Join(dir, "glob.tsv"), globs(random))
	write(filepath.Join(dir, "ignore.txt"), ignores(random))
	write(filepath.Join(dir, "tar.txt"), tars())
}

func write(path string, text string) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		panic(err)
	}
}

func globs(random *rand.Rand) string {
	patterns := []string{"abc", "*", "*c", "a*", "a*b?c*x", "a*b*c", "*.tar.gz", "a?c", "[a-c]b", "[^a-c]b", "[^bc]", "[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "a\\*b", "a\\", "*\\?", "[\\]a]", "[\\-]", "[\\-x]", "[a-b-c]", "*x", "a*", "ä?", "[α-ω]", "?", "??", "*[", "ab[c", "*a[", "**", "a**b", "!a", "#a", " a", "a ", "\\a\\b", "[a-]", "[!a]b", "*[0-9].yaml", "v[0-9]*"}
	letters := "abc*?[]^-\\."
	for range 250 {
		var b strings.Builder
		for range 1 + random.Intn(6) {
			b.WriteByte(letters[random.Intn(len(letters))])
		}
		patterns = append(patterns, b.String())
	}
	names := []string{"abc", "a", "ab", "c", "axbxcxxx", "abxbbxdbxebxczzx", "x.tar.gz", "abbc", "bb", "db", "-", "]", "a*b", "a?", "ä", "äb", "ω", "abcab", ".a", "a.b", "v1", "9.yaml", "ab-c", "[", "\\", "^", "a-b"}
	var out strings.Builder
	for _, pattern := range patterns {
		for _, name := range names {
			ok, err := filepath.Match(pattern, name)
			answer := "no"
			if err != nil {
				answer = "bad"
			} else if ok {
				answer = "yes"
			}
			fmt.Fprintf(&out, "%s\t%s\t%s\n", pattern, name, answer)
		}
	}
	return out.String()
}

func ignores(random *rand.Rand) string {
	sets := [][][2]string{
		{},
		{{"", "deep/"}},
		{{"", "/*"}, {"", "!/a.yaml"}},
		{{"", "/*"}, {"", "!/deep"}},
		{{"", "/*"}, {"", "!/deep/er/c.yaml"}},
		{{"", "*.yaml"}, {"deep", "!c.yaml"}},
		{{"deep", "*"}},
		{{"", "**/er"}},
		{{"", "**/er/"}},
		{{"", "deep/**"}},
		{{"", "deep/**/c.yaml"}},
		{{"", "a**b"}},
		{{"", "foo/a**"}},
		{{"", "*"}, {"", "!*/"}, {"", "!*.yaml"}},
		{{"", "# no"}, {"", "   "}, {"", "a.yaml   "}, {"", "b\\ "}},
		{{"", "!.git/"}, {"", "!.gitignore"}},
		{{"", "/"}},
		{{"", "["}, {"", "a.yaml"}},
		{{"", "docs/*.md"}},
		{{"", "er/c.yaml"}},
		{{"", "deep/er/c.yaml/"}},
		{{"", "deep//er"}},
		{{"", "\\!a"}, {"", "\\#b"}},
		{{"", "!x"}, {"", "x"}},
	}
	words := []string{"a", "b", "*", "**", "deep", "er", "c.yaml", "*.yaml", "docs", "?", "[a-b]"}
	for range 120 {
		var set [][2]string
		for range 1 + random.Intn(3) {
			var parts []string
			for range 1 + random.Intn(3) {
				parts = append(parts, words[random.Intn(len(words))])
			}
			line := strings.Join(parts, "/")
			if random.Intn(4) == 0 {
				line = "/" + line
			}
			if random.Intn(4) == 0 {
				line += "/"
			}
			if random.Intn(4) == 0 {
				line = "!" + line
			}
			folder := ""
			if random.Intn(4) == 0 {
				folder = []string{"deep", "deep/er", "docs", "a"}[random.Intn(4)]
			}
			set = append(set, [2]string{folder, line})
		}
		sets = append(sets, set)
	}
	paths := []string{"a.yaml", "a/", "a/b", "a/b/", "b", "b ", "deep/", "deep/er/", "deep/er", "deep/er/c.yaml", "deep/er/a/b/c.yaml", "docs/", "docs/b.md", "docs/a/b.md", "er/c.yaml", ".git/", ".git/config", ".gitignore", "deep/.gitignore", "x.jpg", "deep/x.tar.gz", ".github/", ".github/workflows/a.yaml", "deep/.flux.yaml", ".sops.yaml", "!a", "#b", "x", "foo/ab", "a/deep/er/c.yaml"}
	var out strings.Builder
	for i, set := range sets {
		fmt.Fprintf(&out, "= %d\n", i)
		var patterns []gitignore.Pattern
		domain := []string{"", "root"}
		for _, entry := range set {
			fmt.Fprintf(&out, "+ %s\t%s\n", entry[0], entry[1])
			scope := append([]string{}, domain...)
			if entry[0] != "" {
				scope = append(scope, strings.Split(entry[0], "/")...)
			}
			patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(entry[1]), scope)...)
		}
		matcher := sourceignore.NewDefaultMatcher(patterns, domain)
		if len(patterns) > 0 {
			matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
		}
		for _, path := range paths {
			full := append(append([]string{}, domain...), strings.Split(strings.TrimSuffix(path, "/"), "/")...)
			answer := "in"
			if matcher.Match(full, strings.HasSuffix(path, "/")) {
				answer = "out"
			}
			fmt.Fprintf(&out, "? %s\t%s\n", path, answer)
		}
	}
	return out.String()
}

// One line a tree: the names (folders end in /, executables in *), a tab, the SHA-256 of the archive before compression.
// A file's content is its name.
func tars() string {
	long := strings.Repeat("long-segment/", 12)
	sets := [][]string{
		{},
		{"a.yaml", "deep/", "deep/er/", "deep/er/c.yaml", "docs/", "docs/b.md"},
		{"run.sh*", "empty/"},
		{strings.Repeat("n", 100)},
		{strings.Repeat("n", 101)},
		{strings.Repeat("n", 300)},
		{long + "file.yaml"},
		{long + strings.Repeat("f", 101)},
		{strings.Repeat("p/", 78) + "x"},
		{strings.Repeat("abcde/", 60) + "x.yaml"},
		{"ümlaut.yaml"},
		{"日本/", "日本/語.yaml", strings.Repeat("ü", 90) + ".yaml"},
		{strings.Repeat("d", 99) + "/", strings.Repeat("d", 100) + "/"},
	}
	var out strings.Builder
	for _, set := range sets {
		var buffer bytes.Buffer
		writer := tar.NewWriter(&buffer)
		add := func(name string, mode int64, kind byte, content string) {
			header := &tar.Header{Name: name, Mode: mode, Typeflag: kind, Size: int64(len(content)), ModTime: time.Time{}}
			if err := writer.WriteHeader(header); err != nil {
				panic(err)
			}
			if _, err := writer.Write([]byte(content)); err != nil {
				panic(err)
			}
		}
		add(".", 0o750, tar.TypeDir, "")
		for _, name := range set {
			switch {
			case strings.HasSuffix(name, "/"):
				add(strings.TrimSuffix(name, "/"), 0o750, tar.TypeDir, "")
			case strings.HasSuffix(name, "*"):
				add(strings.TrimSuffix(name, "*"), 0o700, tar.TypeReg, strings.TrimSuffix(name, "*"))
			default:
				add(name, 0o600, tar.TypeReg, name)
			}
		}
		if err := writer.Close(); err != nil {
			panic(err)
		}
		fmt.Fprintf(&out, "%s\t%x\n", strings.Join(set, "|"), sha256.Sum256(buffer.Bytes()))
	}
	return out.String()
}
