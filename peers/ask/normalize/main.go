// Records what fluxcd/pkg/ssa's normalisation makes of objects: of the documents given on standard input, and of
// objects of every built-in kind made by reflection. One JSON line a case: {"in": ..., "want": ...}.
// With the argument "quantities": what apimachinery prints for quantities.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"sort"
	"strings"

	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

type recorded struct {
	In   any `json:"in"`
	Want any `json:"want"`
}

var out = json.NewEncoder(bufferedOut)
var bufferedOut = bufio.NewWriter(os.Stdout)

func record(object *unstructured.Unstructured) {
	in, err := json.Marshal(object.Object)
	check(err)
	check(normalize.UnstructuredList([]*unstructured.Unstructured{object}))
	check(out.Encode(recorded{In: json.RawMessage(in), Want: object.Object}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// How a value is filled in.
type filling int

const (
	full  filling = iota // every field, with something
	empty                // every field, with an empty value
	null                 // every field, with null
)

func fill(t reflect.Type, how filling, depth int) any {
	switch t {
	case reflect.TypeOf(resource.Quantity{}):
		return map[filling]any{full: "1500m", empty: "0", null: nil}[how]
	case reflect.TypeOf(intstr.IntOrString{}):
		return map[filling]any{full: "25%", empty: int64(0), null: nil}[how]
	case reflect.TypeOf(metav1.Time{}):
		return map[filling]any{full: "2026-01-02T03:04:05+02:00", empty: nil, null: nil}[how]
	case reflect.TypeOf(metav1.MicroTime{}):
		return map[filling]any{full: "2026-01-02T03:04:05.678901Z", empty: nil, null: nil}[how]
	case reflect.TypeOf(metav1.FieldsV1{}):
		return map[string]any{"f:spec": map[string]any{}}
	case reflect.TypeOf(runtime.RawExtension{}):
		return map[string]any{"any": []any{int64(1), "x"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return fill(t.Elem(), how, depth)
	case reflect.String:
		if how == full {
			return "x"
		}
		return ""
	case reflect.Bool:
		return how == full
	case reflect.Int32, reflect.Int64, reflect.Int:
		if how == full {
			return int64(7)
		}
		return int64(0)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			if how == full {
				return "AAEC"
			}
			return ""
		}
		if how != full || depth == 0 {
			return []any{}
		}
		return []any{fill(t.Elem(), how, depth-1)}
	case reflect.Map:
		if how != full || depth == 0 {
			return map[string]any{}
		}
		return map[string]any{"k": fill(t.Elem(), how, depth-1)}
	case reflect.Struct:
		fields := map[string]any{}
		if depth > 0 {
			fillFields(t, how, depth-1, fields)
		}
		return fields
	default:
		check(fmt.Errorf("a type nobody thought of: %v", t))
		return nil
	}
}

func fillFields(t reflect.Type, how filling, depth int, fields map[string]any) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "" && field.Anonymous:
			fillFields(field.Type, how, depth, fields)
		case name == "-" || name == "apiVersion" || name == "kind" && t == reflect.TypeOf(metav1.TypeMeta{}):
		case how == null:
			fields[name] = nil
		default:
			fields[name] = fill(field.Type, how, depth)
		}
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "quantities" {
		recordQuantities()
		return
	}
	documents, err := utils.ReadObjects(io.Reader(os.Stdin))
	check(err)
	for _, object := range documents {
		record(object)
	}
	kinds := scheme.Scheme.AllKnownTypes()
	names := make([]schema.GroupVersionKind, 0, len(kinds))
	for gvk := range kinds {
		if strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Options") || gvk.Version == "__internal" {
			continue
		}
		if _, ok := reflect.New(kinds[gvk]).Interface().(metav1.Object); ok {
			names = append(names, gvk)
		}
	}
	sort.Slice(names, func(i, j int) bool { return names[i].String() < names[j].String() })
	// A Pod has a hundred structs in it; once is enough.
	podSeen := false
	for _, gvk := range names {
		for _, how := range []filling{full, empty, null} {
			depth := 12
			if podSeen && how == full {
				depth = 5
			}
			if gvk.Kind == "Pod" {
				podSeen = true
			}
			fields := map[string]any{}
			fillFields(kinds[gvk], how, depth, fields)
			fields["apiVersion"], fields["kind"] = gvk.GroupVersion().String(), gvk.Kind
			record(&unstructured.Unstructured{Object: fields})
		}
		record(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind, "metadata": map[string]any{"name": "x"},
		}})
	}
	check(bufferedOut.Flush())
}
