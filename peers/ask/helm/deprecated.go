// Kinds that Kubernetes gives up: `APIVERSION KIND DEPRECATED [UNAVAILABLE [REPLACEMENT]]`, a `-` where nothing is told.

package main

import (
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

func rest(object runtime.Object) string {
	text := ""
	if told, ok := object.(interface{ APILifecycleRemoved() (int, int) }); ok {
		if major, minor := told.APILifecycleRemoved(); major != 0 || minor != 0 {
			text = fmt.Sprintf(" %d.%d", major, minor)
		}
	}
	if told, ok := object.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		if gvk := told.APILifecycleReplacement(); !gvk.Empty() {
			if text == "" {
				text = " -"
			}
			text += fmt.Sprintf(" %s %s", gvk.GroupVersion(), gvk.Kind)
		}
	}
	return text
}

func recordDeprecated() {
	var lines []string
	for gvk := range scheme.Scheme.AllKnownTypes() {
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			panic(err)
		}
		object.GetObjectKind().SetGroupVersionKind(gvk)
		told, ok := object.(interface{ APILifecycleDeprecated() (int, int) })
		if !ok {
			continue
		}
		major, minor := told.APILifecycleDeprecated()
		if major == 0 && minor == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s %d.%d%s", gvk.GroupVersion(), gvk.Kind, major, minor, rest(object)))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}
