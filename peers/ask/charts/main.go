// Renders charts with Helm's engine, one after another in one process: JSON lines in, JSON lines out.
//
//	{"files":{path:text},"values":{...}}  a chart, and what a person gives
//	{"o":{path:text}}                     what each template printed
//	{"o":...,"m":[...],"h":[...]}         and, where `"sort":part` is asked for, the manifests and hooks, in Helm's order, of
//	                                      the files whose path holds that part
//	{"o":...,"s":text}                    the error that ends the sort
//	{"e":text}                            the error that ends the render
//
// With the argument `names`: the names of all functions, a line each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sort"
	"strings"
	"text/template"
	"time"
	_ "unsafe"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	v2util "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

//go:linkname funcMap helm.sh/helm/v4/pkg/engine.funcMap
func funcMap() template.FuncMap

type question struct {
	Files  map[string]string `json:"files"`
	Values map[string]any    `json:"values"`
	Sort   string            `json:"sort"`
}

// Adds what a release would hold of some files.
func sorted(told map[string]any, files map[string]string, part string) {
	chosen := map[string]string{}
	for name, text := range files {
		if strings.Contains(name, part) {
			chosen[name] = text
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(chosen, nil, releaseutil.InstallOrder)
	if err != nil {
		told["s"] = err.Error()
		return
	}
	shown := [][]string{}
	for _, manifest := range manifests {
		shown = append(shown, []string{manifest.Name, manifest.Head.Version, manifest.Head.Kind, manifest.Content})
	}
	hooked := [][]string{}
	for _, hook := range hooks {
		hooked = append(hooked, []string{
			hook.Path, hook.Kind, hook.Name, hook.Manifest,
			fmt.Sprint(hook.Events, hook.Weight, hook.DeletePolicies, hook.OutputLogPolicies),
		})
	}
	told["m"], told["h"] = shown, hooked
}

func render(asked question) (out map[string]string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	var names []string
	for name := range asked.Files {
		names = append(names, name)
	}
	sort.Strings(names)
	var files []*archive.BufferedFile
	for _, name := range names {
		files = append(files, &archive.BufferedFile{Name: name, Data: []byte(asked.Files[name])})
	}
	chart, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	if err := v2util.ProcessDependencies(chart, asked.Values); err != nil {
		return nil, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	release := common.ReleaseOptions{Name: "rel", Namespace: "default", Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(chart, asked.Values, release, common.DefaultCapabilities.Copy())
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, values)
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if len(os.Args) > 1 && os.Args[1] == "names" {
		var names []string
		for name := range funcMap() {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name)
		}
		return
	}
	time.Local = time.UTC
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var told any
		if got, err := render(asked); err != nil {
			told = map[string]string{"e": err.Error()}
		} else {
			all := map[string]any{"o": got}
			if asked.Sort != "" {
				sorted(all, got, asked.Sort)
			}
			told = all
		}
		if err := encoder.Encode(told); err != nil {
			os.Exit(1)
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}
