// Puts on record what kustomize knows about the built-in kinds: which lists merge by which keys, which kinds
// live in a namespace, and which fields its transformers touch. Facts only, one a line:
//
//	def NAME                     a definition; the fields below it lead to a list that merges
//	  FIELD list KEYS DEF        a list with patch strategy merge; KEYS joined by commas or -, DEF of its elements or -
//	  FIELD object DEF           an object on the way to such a list
//	  FIELD map DEF              a map of such objects
//	kind APIVERSION KIND DEF     the definition of a kind; - when nothing below it merges; open when it has no fields
//	scope APIVERSION KIND yes|no whether it lives in a namespace
//	spec AREA KIND GROUP VERSION CREATE PATH [TARGETKIND TARGETGROUP TARGETVERSION]
//
// Usage: go run . > ../../../crates/kustomize/src/facts.txt
package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	_ "sigs.k8s.io/kustomize/api/krusty"
)

func main() {
	schema := openapi.Schema()
	defs := schema.Definitions
	reach := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for name, d := range defs {
			if reach[name] {
				continue
			}
			for _, p := range d.Properties {
				if strategy(p) || reach[target(p)] {
					reach[name] = true
					changed = true
				}
			}
		}
	}
	for _, name := range keys(defs) {
		if !reach[name] {
			continue
		}
		fmt.Printf("def %s\n", short(name))
		d := defs[name]
		for _, field := range keys(d.Properties) {
			p := d.Properties[field]
			to := target(p)
			dst := "-"
			if reach[to] {
				dst = short(to)
			}
			switch {
			case strategy(p):
				rs := &openapi.ResourceSchema{Schema: &p}
				_, list := rs.PatchStrategyAndKeyList()
				joined := strings.Join(list, ",")
				if joined == "" {
					joined = "-"
				}
				fmt.Printf("  %s list %s %s\n", field, joined, dst)
			case !reach[to]:
			case p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil:
				fmt.Printf("  %s map %s\n", field, dst)
			case p.Ref.String() != "":
				fmt.Printf("  %s object %s\n", field, dst)
			}
		}
	}
	var kinds []string
	scoped := map[string]string{}
	note := func(t yaml.TypeMeta) {
		if ns, found := openapi.IsNamespaceScoped(t); found {
			word := "no"
			if ns {
				word = "yes"
			}
			scoped[t.APIVersion+" "+t.Kind] = word
		}
	}
	for name, d := range defs {
		list, _ := d.Extensions["x-kubernetes-group-version-kind"].([]interface{})
		for _, item := range list {
			m := item.(map[string]interface{})
			version := m["version"].(string)
			if g, _ := m["group"].(string); g != "" {
				version = g + "/" + version
			}
			t := yaml.TypeMeta{APIVersion: version, Kind: m["kind"].(string)}
			def := "-"
			if reach[name] {
				def = short(name)
			} else if len(d.Properties) == 0 && d.AdditionalProperties == nil {
				def = "open"
			}
			if openapi.SchemaForResourceType(t) != nil {
				kinds = append(kinds, fmt.Sprintf("kind %s %s %s", t.APIVersion, t.Kind, def))
			}
			note(t)
		}
	}
	// Removed from the schema, but still known to be scoped.
	note(yaml.TypeMeta{APIVersion: "policy/v1beta1", Kind: "PodSecurityPolicy"})
	sort.Strings(kinds)
	fmt.Println(strings.Join(kinds, "\n"))
	for _, key := range keys(scoped) {
		fmt.Printf("scope %s %s\n", key, scoped[key])
	}
	specs()
}

// strategy is true for a list that merges.
func strategy(p spec.Schema) bool {
	s, _ := p.Extensions["x-kubernetes-patch-strategy"].(string)
	for _, word := range strings.Split(s, ",") {
		if word == "merge" {
			return true
		}
	}
	return false
}

// target is the definition that a property, its elements or its map values refer to.
func target(p spec.Schema) string {
	ref := p.Ref.String()
	if p.Items != nil && p.Items.Schema != nil {
		ref = p.Items.Schema.Ref.String()
	}
	if p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil {
		ref = p.AdditionalProperties.Schema.Ref.String()
	}
	return strings.TrimPrefix(ref, "#/definitions/")
}

func short(name string) string {
	name = strings.TrimPrefix(name, "io.k8s.api.")
	name = strings.TrimPrefix(name, "io.k8s.apimachinery.pkg.apis.")
	return strings.TrimPrefix(name, "io.k8s.")
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// specs reads the default field specs, which the module keeps in constants of an internal package.
func specs() {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kustomize/api").Output()
	check(err)
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal/konfig/builtinpluginconsts")
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	check(err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "defaultconfig.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		check(err)
		files = append(files, file)
	}
	pkg, err := (&types.Config{}).Check("consts", fset, files, nil)
	check(err)
	type gvk struct{ Group, Version, Kind string }
	type fieldSpec struct {
		Group, Version, Kind, Path string
		Create                     bool
		FieldSpecs                 []struct {
			Group, Version, Kind, Path string
			Create                     bool
		} `yaml:"fieldSpecs"`
	}
	for _, name := range []string{"namePrefixFieldSpecs", "nameSuffixFieldSpecs", "commonLabelFieldSpecs",
		"templateLabelFieldSpecs", "commonAnnotationFieldSpecs", "namespaceFieldSpecs", "varReferenceFieldSpecs",
		"nameReferenceFieldSpecs", "imagesFieldSpecs", "replicasFieldSpecs"} {
		object := pkg.Scope().Lookup(name)
		if object == nil {
			fmt.Fprintln(os.Stderr, "no constant", name)
			os.Exit(1)
		}
		text := constant.StringVal(object.(*types.Const).Val())
		var areas map[string][]fieldSpec
		check(yaml.Unmarshal([]byte(text), &areas))
		for _, area := range keys(areas) {
			for _, s := range areas[area] {
				for _, f := range s.FieldSpecs {
					fmt.Printf("spec %s %s %s %s %t %s %s %s %s\n", area, dash(f.Kind), dash(f.Group), dash(f.Version),
						f.Create, f.Path, dash(s.Kind), dash(s.Group), dash(s.Version))
				}
				if s.FieldSpecs == nil {
					fmt.Printf("spec %s %s %s %s %t %s\n", area, dash(s.Kind), dash(s.Group), dash(s.Version), s.Create, s.Path)
				}
			}
		}
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
