// Prints how kinds are written as protobuf, out of the tags of their Go types, for crates/apiserver (examples/record.rs):
//
//	{"kinds":{"apps/v1/Deployment":type},"types":{type:[[number,name,flags,shape]]}}
//
// Flags: `o` is left out where it is zero, `p` may be absent, `i` its fields are its owner's.
// Shapes: `s` text, `y` bytes, `b` truth, `i` integer, `f` float, `m/TYPE` a message, `[]` before: a list, `{}` before: a map,
// `w` a message around a list of texts, and `q t T d n r` for quantities, times, durations, int-or-string, raw JSON.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

var special = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "q",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "T",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "d",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "n",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "r",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "B",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "A",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "S",
}

type unmarshaler interface{ Unmarshal([]byte) error }

var (
	types     = map[string][][]any{}
	readsWire = reflect.TypeOf((*unmarshaler)(nil)).Elem()
)

func name(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

func shape(t reflect.Type) string {
	if letter, ok := special[name(t)]; ok {
		return letter
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem())
	case reflect.Struct:
		walk(t)
		return "m/" + short(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		if t.Name() != "" && reflect.PointerTo(t).Implements(readsWire) {
			return "w"
		}
		return "[]" + shape(t.Elem())
	case reflect.Map:
		return "{}" + shape(t.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Float64:
		return "f"
	default:
		return "i"
	}
}

func short(t reflect.Type) string {
	path := strings.TrimPrefix(strings.TrimPrefix(name(t), "k8s.io/api/"), "k8s.io/")
	return path
}

func walk(t reflect.Type) {
	if _, ok := types[short(t)]; ok {
		return
	}
	types[short(t)] = [][]any{}
	rows := [][]any{}
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		number, err := strconv.Atoi(tag[1])
		if err != nil {
			continue
		}
		written := strings.Split(field.Tag.Get("json"), ",")
		flags := ""
		for _, word := range written[1:] {
			switch word {
			case "omitempty":
				flags += "o"
			case "inline":
				flags += "i"
			}
		}
		if field.Type.Kind() == reflect.Pointer {
			flags += "p"
		}
		if written[0] == "" && !strings.Contains(flags, "i") {
			flags += "i"
		}
		rows = append(rows, []any{number, written[0], flags, shape(field.Type)})
	}
	sort.Slice(rows, func(a, b int) bool { return rows[a][0].(int) < rows[b][0].(int) })
	types[short(t)] = rows
}

func main() {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	kinds := map[string]string{}
	for kind, t := range scheme.Scheme.AllKnownTypes() {
		if kind.Version == "__internal" || !reflect.PointerTo(t).Implements(readsWire) || strings.HasSuffix(kind.Kind, "List") {
			continue
		}
		walk(t)
		kinds[kind.Group+"/"+kind.Version+"/"+kind.Kind] = short(t)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"kinds": kinds, "types": types}); err != nil {
		panic(err)
	}
}
