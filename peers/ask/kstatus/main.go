// Records how kstatus, set up as kustomize-controller sets it up, judges objects that are made here, systematically.
// One JSON line a case: {"object": ..., "children": [...], "status": ..., "message": ..., "error": ...}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	kstatusreaders "github.com/fluxcd/cli-utils/pkg/kstatus/polling/statusreaders"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type object = map[string]any

type recorded struct {
	Object   object   `json:"object"`
	Children []object `json:"children,omitempty"`
	Status   string   `json:"status"`
	Message  string   `json:"message,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// The cluster: what a case has besides its object.
type cluster struct{ objects []object }

func (c cluster) Get(context.Context, client.ObjectKey, *unstructured.Unstructured) error {
	return fmt.Errorf("nobody asks for single objects")
}

func (c cluster) ListNamespaceScoped(_ context.Context, list *unstructured.UnstructuredList, _ string, selector labels.Selector) error {
	for _, fields := range c.objects {
		item := unstructured.Unstructured{Object: fields}
		if item.GetKind() == list.GetKind() && selector.Matches(labels.Set(item.GetLabels())) {
			list.Items = append(list.Items, item)
		}
	}
	return nil
}

func (c cluster) ListClusterScoped(context.Context, *unstructured.UnstructuredList, labels.Selector) error {
	return nil
}

func (c cluster) Sync(context.Context) error { return nil }

var (
	out    = json.NewEncoder(os.Stdout)
	reader engine.StatusReader
)

func record(fields object, children ...object) {
	// Numbers as a client reads them.
	fields = reread(fields)
	for i := range children {
		children[i] = reread(children[i])
	}
	line := recorded{Object: fields, Children: children}
	result, err := reader.ReadStatusForObject(context.Background(), cluster{children}, &unstructured.Unstructured{Object: fields})
	check(err)
	line.Status, line.Message = result.Status.String(), result.Message
	if result.Error != nil {
		line.Error = result.Error.Error()
	}
	check(out.Encode(line))
}

func reread(fields object) object {
	text, err := json.Marshal(fields)
	check(err)
	read := &unstructured.Unstructured{}
	if err := read.UnmarshalJSON(text); err != nil {
		check(err)
	}
	return read.Object
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func of(apiVersion, kind string, spec, status any) object {
	fields := object{"apiVersion": apiVersion, "kind": kind, "metadata": object{"name": "x", "namespace": "y", "generation": 2}}
	if spec != nil {
		fields["spec"] = spec
	}
	if status != nil {
		fields["status"] = status
	}
	return fields
}

func condition(kind, status, reason string) object {
	return object{"type": kind, "status": status, "reason": reason, "message": "because of " + reason}
}

// Every combination of the choices, one a name.
func combine(names []string, choices [][]any, each func(object)) {
	if len(names) == 0 {
		each(object{})
		return
	}
	for _, choice := range choices[0] {
		combine(names[1:], choices[1:], func(rest object) {
			made := object{}
			for name, value := range rest {
				made[name] = value
			}
			if choice != nil {
				made[names[0]] = choice
			}
			each(made)
		})
	}
}

var selector = object{"matchLabels": object{"app": "x"}}

func main() {
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Version: "v1"}, {Group: "apps", Version: "v1"}})
	for _, kind := range []schema.GroupVersionKind{{Version: "v1", Kind: "Pod"}, {Group: "apps", Version: "v1", Kind: "ReplicaSet"}} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	reader = kstatusreaders.NewStatusReader(mapper, statusreaders.NewCustomJobStatusReader(mapper))

	deployments()
	others()
	pods()
	jobs()
	generic()
	children()
	broken()
}

func deployments() {
	numbers := []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"}
	few := []any{nil, 1, 2}
	for _, wanted := range []any{nil, 0, 2} {
		combine(numbers, [][]any{few, few, few, few}, func(status object) {
			status["conditions"] = []any{condition("Progressing", "True", "NewReplicaSetAvailable"), condition("Available", "True", "MinimumReplicasAvailable")}
			spec := object{"selector": selector, "progressDeadlineSeconds": 600}
			if wanted != nil {
				spec["replicas"] = wanted
			}
			record(of("apps/v1", "Deployment", spec, status))
		})
	}
	for _, deadline := range []any{nil, 600, 2147483647, "600"} {
		for _, progressing := range []object{nil, condition("Progressing", "True", "NewReplicaSetAvailable"), condition("Progressing", "True", "ReplicaSetUpdated"),
			condition("Progressing", "False", "ProgressDeadlineExceeded"), condition("Progressing", "Unknown", "DeploymentPaused")} {
			for _, available := range []object{nil, condition("Available", "True", "a"), condition("Available", "False", "b")} {
				spec, conditions := object{"selector": selector}, []any{}
				if deadline != nil {
					spec["progressDeadlineSeconds"] = deadline
				}
				for _, condition := range []object{progressing, available} {
					if condition != nil {
						conditions = append(conditions, condition)
					}
				}
				status := object{"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "conditions": conditions, "observedGeneration": 2}
				record(of("apps/v1", "Deployment", spec, status))
			}
		}
	}
	record(of("extensions/v1beta1", "Deployment", object{"selector": selector}, nil))
	record(of("apps/v1", "Deployment", object{"selector": selector}, nil))
}

func others() {
	few := []any{nil, 1, 2}
	combine([]string{"replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas"}, [][]any{few, few, {1, 2}, {1, 2}}, func(status object) {
		record(of("apps/v1", "ReplicaSet", object{"selector": selector, "replicas": 1}, status))
	})
	record(of("apps/v1", "ReplicaSet", object{"selector": selector}, object{"conditions": []any{condition("ReplicaFailure", "True", "Quota")}}))
	record(of("apps/v1", "ReplicaSet", object{"selector": selector, "replicas": 0}, object{"conditions": []any{condition("ReplicaFailure", "False", "Quota")}}))

	for _, partition := range []any{nil, 0, 1, 3} {
		combine([]string{"replicas", "readyReplicas", "currentReplicas", "updatedReplicas"}, [][]any{{nil, 2, 3}, {1, 2}, {1, 2}, {nil, 2}}, func(status object) {
			status["currentRevision"], status["updateRevision"] = "a", "b"
			if status["updatedReplicas"] == 2 {
				status["currentRevision"] = "b"
			}
			spec := object{"selector": selector, "replicas": 2}
			if partition != nil {
				spec["updateStrategy"] = object{"type": "RollingUpdate", "rollingUpdate": object{"partition": partition}}
			}
			record(of("apps/v1", "StatefulSet", spec, status))
		})
	}
	record(of("apps/v1", "StatefulSet", object{"selector": selector, "updateStrategy": object{"type": "OnDelete"}}, nil))
	record(of("apps/v1", "StatefulSet", object{"selector": selector}, nil))

	combine([]string{"desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"},
		[][]any{{nil, 0, 2}, {nil, 2}, {1, 2}, {1, 2}, {1, 2}}, func(status object) {
			status["observedGeneration"] = 2
			record(of("apps/v1", "DaemonSet", object{"selector": selector}, status))
		})
	record(of("apps/v1", "DaemonSet", nil, object{"desiredNumberScheduled": 0}))
	withoutGeneration := of("apps/v1", "DaemonSet", nil, object{"observedGeneration": 1})
	delete(withoutGeneration["metadata"].(object), "generation")
	record(withoutGeneration)

	for _, phase := range []any{nil, "Bound", "Pending", "Lost", 1} {
		status := object{}
		if phase != nil {
			status["phase"] = phase
		}
		record(of("v1", "PersistentVolumeClaim", nil, status))
	}
	for _, kind := range []any{nil, "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"} {
		for _, address := range []any{nil, "", "10.0.0.1", "None"} {
			spec := object{}
			if kind != nil {
				spec["type"] = kind
			}
			if address != nil {
				spec["clusterIP"] = address
			}
			record(of("v1", "Service", spec, nil))
		}
	}
	for _, names := range []string{"", "True", "False"} {
		for _, established := range [][2]string{{"", ""}, {"True", "InitialNamesAccepted"}, {"False", "Installing"}, {"False", "NotAccepted"}, {"Unknown", "x"}} {
			conditions := []any{}
			if names != "" {
				conditions = append(conditions, condition("NamesAccepted", names, "MultipleNamesNotAllowed"))
			}
			if established[0] != "" {
				conditions = append(conditions, condition("Established", established[0], established[1]))
			}
			record(of("apiextensions.k8s.io/v1", "CustomResourceDefinition", nil, object{"conditions": conditions}))
		}
	}
	for _, kind := range [][2]string{{"v1", "Secret"}, {"v1", "ConfigMap"}, {"batch/v1", "CronJob"}, {"policy/v1", "PodDisruptionBudget"}, {"v1", "Namespace"},
		{"v1", "ServiceAccount"}, {"networking.k8s.io/v1", "Ingress"}, {"example.com/v1", "Deployment"}, {"example.com/v1", "Job"}} {
		record(of(kind[0], kind[1], nil, nil))
		record(of(kind[0], kind[1], nil, object{"observedGeneration": 1}))
		record(of(kind[0], kind[1], nil, object{"conditions": []any{condition("Ready", "False", "NotYet")}}))
	}
}

func pods() {
	for _, phase := range []any{nil, "", "Pending", "Running", "Succeeded", "Failed", "Odd"} {
		for _, conditions := range [][]any{nil, {condition("Ready", "True", "r")}, {condition("Ready", "False", "r")}, {condition("PodScheduled", "False", "Unschedulable")},
			{condition("PodScheduled", "False", "SchedulerError")}, {condition("PodScheduled", "True", "Unschedulable")}} {
			for _, created := range []string{"2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", ""} {
				for _, waiting := range []any{nil, "CrashLoopBackOff", "ImagePullBackOff"} {
					if waiting != nil && phase != "Running" {
						continue
					}
					status := object{"conditions": conditions}
					if phase != nil {
						status["phase"] = phase
					}
					if waiting != nil {
						status["containerStatuses"] = []any{
							object{"name": "a", "state": object{"waiting": object{"reason": waiting}}},
							object{"name": "b", "state": object{"running": object{}}},
							object{"name": "c", "state": object{"waiting": object{"reason": "CrashLoopBackOff"}}},
							object{"state": object{"waiting": object{"reason": "CrashLoopBackOff"}}}, object{"name": "d"},
						}
					}
					pod := of("v1", "Pod", nil, status)
					if created != "" {
						pod["metadata"].(object)["creationTimestamp"] = created
					}
					record(pod)
				}
			}
		}
	}
}

func jobs() {
	for _, suspend := range []any{nil, false, true, "true"} {
		for _, started := range []any{nil, "", "2026-01-01T00:00:00Z"} {
			for _, conditions := range [][]any{nil, {condition("Complete", "True", "c")}, {condition("Failed", "True", "BackoffLimitExceeded")},
				{condition("Complete", "False", "c"), condition("Failed", "False", "f")}, {condition("Suspended", "True", "s"), condition("Complete", "True", "c")},
				{condition("Reconciling", "True", "r")}} {
				for _, numbers := range []object{{}, {"succeeded": 2, "active": 1, "failed": 3}} {
					spec, status := object{}, object{}
					for name, value := range numbers {
						status[name] = value
						spec["parallelism"] = 4
					}
					if suspend != nil {
						spec["suspend"] = suspend
					}
					if started != nil {
						status["startTime"] = started
					}
					if conditions != nil {
						status["conditions"] = conditions
					}
					record(of("batch/v1", "Job", spec, status))
				}
			}
		}
	}
	record(of("batch/v1", "Job", object{"completions": 5, "parallelism": 2}, object{"conditions": []any{condition("Complete", "True", "c")}, "succeeded": 5}))
	deleted := of("batch/v1", "Job", nil, object{"observedGeneration": 1})
	deleted["metadata"].(object)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	record(deleted)
}

func generic() {
	for _, kind := range [][2]string{{"example.com/v1", "Widget"}, {"kustomize.toolkit.fluxcd.io/v1", "Kustomization"}, {"apps/v1", "ReplicaSet"}} {
		for _, observed := range []any{nil, -1, 1, 2, 3} {
			for _, reconciling := range []string{"", "True", "False"} {
				for _, stalled := range []string{"", "True", "Unknown"} {
					for _, ready := range []string{"", "True", "False", "Unknown", "Odd"} {
						conditions := []any{}
						for _, one := range [][2]string{{"Ready", ready}, {"Stalled", stalled}, {"Reconciling", reconciling}} {
							if one[1] != "" {
								conditions = append(conditions, condition(one[0], one[1], one[0]+"Reason"))
							}
						}
						status := object{"conditions": conditions}
						if observed != nil {
							status["observedGeneration"] = observed
						}
						record(of(kind[0], kind[1], object{"selector": selector}, status))
					}
				}
			}
		}
	}
	for _, deleted := range []any{"2026-01-01T00:00:00Z", ""} {
		for _, kind := range [][2]string{{"example.com/v1", "Widget"}, {"v1", "Pod"}, {"apps/v1", "Deployment"}} {
			fields := of(kind[0], kind[1], object{"selector": selector}, object{"observedGeneration": 1})
			fields["metadata"].(object)["deletionTimestamp"] = deleted
			record(fields)
		}
	}
}

func children() {
	child := func(kind, name string, status object, extra object) object {
		apiVersion := "v1"
		if kind == "ReplicaSet" {
			apiVersion = "apps/v1"
		}
		fields := of(apiVersion, kind, object{"selector": selector}, status)
		metadata := fields["metadata"].(object)
		metadata["name"], metadata["labels"] = name, object{"app": "x"}
		for key, value := range extra {
			metadata[key] = value
		}
		return fields
	}
	old := object{"creationTimestamp": "2020-01-01T00:00:00Z"}
	crashing := object{"phase": "Running", "containerStatuses": []any{object{"name": "a", "state": object{"waiting": object{"reason": "CrashLoopBackOff"}}}}}
	unschedulable := object{"phase": "Pending", "conditions": []any{condition("PodScheduled", "False", "Unschedulable")}}
	ready := object{"phase": "Running", "conditions": []any{condition("Ready", "True", "r")}}
	going := object{"creationTimestamp": "2020-01-01T00:00:00Z", "deletionTimestamp": "2026-01-01T00:00:00Z"}
	sets := [][]object{
		{},
		{child("Pod", "a", ready, old)},
		{child("Pod", "a", crashing, old)},
		{child("Pod", "a", crashing, old), child("Pod", "b", crashing, old), child("Pod", "c", ready, old)},
		{child("Pod", "a", unschedulable, old)},
		{child("Pod", "a", crashing, going)},
		{child("Pod", "a", crashing, object{"labels": object{"app": "other"}})},
	}
	for _, pods := range sets {
		for _, kind := range []string{"ReplicaSet", "StatefulSet"} {
			record(of("apps/v1", kind, object{"selector": selector}, nil), pods...)
			record(of("apps/v1", kind, object{"selector": selector, "replicas": 0}, nil), pods...)
			record(of("apps/v1", kind, object{"selector": selector}, object{"conditions": []any{condition("Stalled", "True", "s")}}), pods...)
		}
		for _, replicas := range []object{child("ReplicaSet", "rs", nil, old), child("ReplicaSet", "rs", object{"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "fullyLabeledReplicas": 1}, old),
			child("ReplicaSet", "rs", object{"conditions": []any{condition("Stalled", "True", "s")}}, going)} {
			record(of("apps/v1", "Deployment", object{"selector": selector}, nil), append([]object{replicas}, pods...)...)
		}
	}
	expressions := object{"matchExpressions": []any{object{"key": "app", "operator": "In", "values": []any{"x", "z"}}, object{"key": "b", "operator": "DoesNotExist"}}}
	record(of("apps/v1", "ReplicaSet", object{"selector": expressions}, nil), child("Pod", "a", crashing, old))
}

// What no server would let through, but a fake or a broken one might send.
func broken() {
	for _, kind := range [][2]string{{"example.com/v1", "Widget"}, {"apps/v1", "DaemonSet"}, {"v1", "Pod"}, {"batch/v1", "Job"}} {
		for _, status := range []any{"x", 5, 2.5, true, []any{}, object{"conditions": "x"}, object{"conditions": object{}}, object{"conditions": 5}, object{"conditions": true},
			object{"conditions": []any{"x"}}, object{"conditions": []any{5}}, object{"conditions": []any{[]any{}}}, object{"conditions": []any{nil}}, object{"conditions": nil},
			object{"conditions": []any{object{"type": 5}}}, object{"conditions": []any{object{"type": "a", "status": 5}}}, object{"conditions": []any{object{"type": "a", "status": true}}},
			object{"conditions": []any{object{"type": "a", "reason": 2.5}}}, object{"conditions": []any{object{"type": "a", "message": object{}}}},
			object{"observedGeneration": "x"}, object{"observedGeneration": 2.5}, object{"observedGeneration": nil}, object{"observedGeneration": true},
			object{"observedGeneration": []any{1, "a"}}, object{"observedGeneration": object{"b": 1, "a": nil}}} {
			record(of(kind[0], kind[1], nil, status))
		}
		for _, generation := range []any{"x", 2.5, nil} {
			fields := of(kind[0], kind[1], nil, object{"observedGeneration": 2})
			fields["metadata"].(object)["generation"] = generation
			record(fields)
		}
		for _, deleted := range []any{5, true} {
			fields := of(kind[0], kind[1], nil, nil)
			fields["metadata"].(object)["deletionTimestamp"] = deleted
			record(fields)
		}
	}
}
