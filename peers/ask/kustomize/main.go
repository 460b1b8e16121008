// Builds kustomizations for as long as it is asked: one question a line in, one answer a line out, both JSON.
//
//	{"files": {"over/kustomization.yaml": "BASE64", ...}, "run": "over", "reorder": "none", "unrestricted": false}
//	{"yaml": "...", "error": "...", "warnings": "..."}
//
// Each tree is written to a folder of its own and taken away afterwards; the folder's name in an answer is $IN.
//
// Usage: go run -ldflags "-X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1" . [FOLDER]
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type question struct {
	Files        map[string][]byte `json:"files"`
	Run          string            `json:"run"`
	Reorder      string            `json:"reorder"`
	Unrestricted bool              `json:"unrestricted"`
}

type answer struct {
	YAML     string `json:"yaml"`
	Error    string `json:"error"`
	Warnings string `json:"warnings"`
}

func main() {
	parent := ""
	if len(os.Args) > 1 {
		parent = os.Args[1]
	}
	root, err := os.MkdirTemp(parent, "ask-kustomize")
	must(err)
	defer os.RemoveAll(root)
	root, err = filepath.EvalSymlinks(root)
	must(err)
	// What kustomize says on the side goes into a file, from which each answer takes its part.
	aside, err := os.Create(filepath.Join(root, "aside"))
	must(err)
	os.Stderr = aside
	log.SetOutput(aside)
	log.SetFlags(0)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for number := 0; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		must(err)
		var q question
		must(json.Unmarshal(line, &q))
		folder := filepath.Join(root, "tree")
		a := ask(folder, q)
		_, err = aside.Seek(0, io.SeekStart)
		must(err)
		text, err := io.ReadAll(aside)
		must(err)
		must(aside.Truncate(0))
		_, err = aside.Seek(0, io.SeekStart)
		must(err)
		a.Warnings = strings.ReplaceAll(string(text), folder, "$IN")
		a.YAML = strings.ReplaceAll(a.YAML, folder, "$IN")
		a.Error = strings.ReplaceAll(a.Error, folder, "$IN")
		must(out.Encode(a))
		must(os.RemoveAll(folder))
	}
}

func ask(folder string, q question) (a answer) {
	for path, content := range q.Files {
		whole := filepath.Join(folder, path)
		must(os.MkdirAll(filepath.Dir(whole), 0o755))
		must(os.WriteFile(whole, content, 0o644))
	}
	// A schema that one tree brings would stay for the next; what a new process has not yet read matters as well.
	for _, content := range q.Files {
		if strings.Contains(strings.ToLower(string(content)), "openapi") {
			openapi.ResetOpenAPI()
			defer openapi.ResetOpenAPI()
			break
		}
	}
	defer func() {
		if trouble := recover(); trouble != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", trouble)}
		}
	}()
	options := krusty.MakeDefaultOptions()
	switch q.Reorder {
	case "none":
		options.Reorder = krusty.ReorderOptionNone
	case "legacy":
		options.Reorder = krusty.ReorderOptionLegacy
	default:
		options.Reorder = krusty.ReorderOptionUnspecified
	}
	if q.Unrestricted {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(folder, q.Run))
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := built.AsYaml()
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{YAML: string(text)}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
}
