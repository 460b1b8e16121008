// Records what fluxcd/pkg/ssa and fluxcd/cli-utils say of objects: inventory ids, names for people, apply order, stages,
// masks of Secrets, CA bundles, marks. One JSON line a case, {"ask": ..., ...}.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"sort"
	"time"

	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type fields = map[string]any

func record(line fields) {
	text, err := json.Marshal(line)
	check(err)
	_, err = os.Stdout.Write(append(text, '\n'))
	check(err)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func reread(given any) fields {
	text, err := json.Marshal(given)
	check(err)
	var read fields
	check(json.Unmarshal(text, &read))
	return read
}

func main() {
	ids()
	orderAndStages()
	masks()
	bundles()
	marks()
}

var kinds = [][2]string{{"", "Namespace"}, {"", "ConfigMap"}, {"", "Secret"}, {"", "Service"}, {"", "ServiceAccount"}, {"", "Pod"}, {"", "LimitRange"},
	{"", "ResourceQuota"}, {"", "namespace"}, {"", "List"}, {"apps", "Deployment"}, {"apps", "StatefulSet"}, {"apps", "DaemonSet"}, {"extensions", "Deployment"},
	{"batch", "Job"}, {"batch", "CronJob"}, {"policy", "PodDisruptionBudget"}, {"rbac.authorization.k8s.io", "Role"}, {"rbac.authorization.k8s.io", "RoleBinding"},
	{"rbac.authorization.k8s.io", "ClusterRole"}, {"rbac.authorization.k8s.io", "ClusterRoleBinding"}, {"example.com", "ClusterRole"}, {"example.com", "Role"},
	{"apiextensions.k8s.io", "CustomResourceDefinition"}, {"example.com", "CustomResourceDefinition"}, {"storage.k8s.io", "StorageClass"}, {"networking.k8s.io", "IngressClass"},
	{"gateway.networking.k8s.io", "GatewayClass"}, {"cluster.x-k8s.io", "ClusterClass"}, {"node.k8s.io", "RuntimeClass"}, {"scheduling.k8s.io", "PriorityClass"},
	{"snapshot.storage.k8s.io", "VolumeSnapshotClass"}, {"example.com", "Class"}, {"example.com", "class"}, {"example.com", "Widget"}, {"external-secrets.io", "SecretStore"},
	{"serving.knative.dev", "Service"}, {"networking.k8s.io", "Ingress"}, {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
	{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"}, {"kustomize.toolkit.fluxcd.io", "Kustomization"}}

func ids() {
	for _, kind := range kinds {
		for _, name := range []string{"a", "system:node:x", "a.b-c"} {
			for _, namespace := range []string{"", "ns"} {
				id := object.ObjMetadata{Namespace: namespace, Name: name, GroupKind: schema.GroupKind{Group: kind[0], Kind: kind[1]}}
				record(fields{"ask": "id", "group": kind[0], "kind": kind[1], "namespace": namespace, "name": name, "inventory": id.String(), "people": utils.FmtObjMetadata(id)})
			}
		}
	}
	for _, text := range []string{"", "a", "a_b", "a_b_c", "a_b_c_d", "_b__d", "___", "____", "_____", "a__b_c_d", "a_b__c_d_e", "a_b_c_d_e", "ns_n__g_k", "_system__a___ClusterRole", "ä_ö_ü_ß"} {
		id, err := object.ParseObjMetadata(text)
		line := fields{"ask": "parse", "text": text}
		if err != nil {
			line["error"] = err.Error()
		} else {
			line["group"], line["kind"], line["namespace"], line["name"] = id.GroupKind.Group, id.GroupKind.Kind, id.Namespace, id.Name
		}
		record(line)
	}
}

func orderAndStages() {
	custom, err := utils.ParseGroupKindSet("external-secrets.io/SecretStore, Pod,example.com/Role")
	check(err)
	var all []object.ObjMetadata
	for _, version := range []string{"v1", "v1beta1"} {
		for _, kind := range kinds {
			fields := fields{"kind": kind[1], "apiVersion": schema.GroupVersion{Group: kind[0], Version: version}.String()}
			given := &unstructured.Unstructured{Object: fields}
			stage := "Resources"
			switch {
			case utils.IsClusterDefinition(given):
				stage = "Definitions"
			case utils.IsClassDefinition(given):
				stage = "Classes"
			case utils.IsCustomStage(given, custom):
				stage = "Custom"
			}
			record(map[string]any{"ask": "stage", "object": fields, "custom": "external-secrets.io/SecretStore, Pod,example.com/Role", "stage": stage, "isSecret": utils.IsSecret(given)})
		}
	}
	for _, kind := range kinds {
		for _, name := range []string{"b", "a"} {
			for _, namespace := range []string{"y", "", "x"} {
				all = append(all, object.ObjMetadata{Namespace: namespace, Name: name, GroupKind: schema.GroupKind{Group: kind[0], Kind: kind[1]}})
			}
		}
	}
	given := texts(all)
	sort.Sort(ssa.SortableMetas(all))
	record(fields{"ask": "order", "given": given, "sorted": texts(all)})
}

func texts(ids []object.ObjMetadata) []string {
	var texts []string
	for _, id := range ids {
		texts = append(texts, id.String())
	}
	return texts
}

func masks() {
	states := []fields{nil, {}, {"data": fields{}}, {"data": fields{"a": "1"}}, {"data": fields{"a": "2"}}, {"data": fields{"a": "1", "b": "2"}},
		{"data": fields{"b": "2", "c": "3"}, "type": "Opaque"}, {"data": fields{"a": nil, "b": 5}}, {"data": nil}}
	for _, old := range states {
		for _, new := range states {
			line := fields{"ask": "mask", "old": old, "new": new}
			line = reread(line)
			var before, after *unstructured.Unstructured
			if old != nil {
				before = &unstructured.Unstructured{Object: reread(old)}
			}
			if new != nil {
				after = &unstructured.Unstructured{Object: reread(new)}
			}
			if err := ssa.SanitizeUnstructuredData(before, after); err != nil {
				continue // A map that is no map: upstream gives up.
			}
			if before != nil {
				line["maskedOld"] = before.Object
			}
			if after != nil {
				line["maskedNew"] = after.Object
			}
			record(line)
		}
	}
}

func bundles() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	good := block("CERTIFICATE", der)
	for _, bundle := range []string{good, good + good, "text before\n" + good + "text after\n", block("CERTIFICATE", der[:20]), block("CERTIFICATE", []byte{0x30, 0}), block("CERTIFICATE", nil),
		block("PRIVATE KEY", der), block("PRIVATE KEY", der) + good, block("CERTIFICATE", der[:20]) + good, "\n", "no certificate", "-----BEGIN CERTIFICATE-----\n"} {
		for _, text := range []string{base64.StdEncoding.EncodeToString([]byte(bundle)), base64.RawStdEncoding.EncodeToString([]byte(bundle)), bundle} {
			crd := fields{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
				"spec": fields{"conversion": fields{"webhook": fields{"clientConfig": fields{"caBundle": text}}}}}
			given := &unstructured.Unstructured{Object: reread(crd)}
			utils.RemoveCABundleFromCRD(given)
			_, kept, _ := unstructured.NestedString(given.Object, "spec", "conversion", "webhook", "clientConfig", "caBundle")
			record(fields{"ask": "bundle", "text": text, "kept": kept})
		}
	}
}

func marks() {
	for _, label := range []any{nil, "", "disabled", "Disabled", "DISABLED", "enabled", " disabled"} {
		for _, annotation := range []any{nil, "", "disabled", "dIsabled", "true"} {
			metadata := fields{}
			if label != nil {
				metadata["labels"] = fields{"k": label}
			}
			if annotation != nil {
				metadata["annotations"] = fields{"k": annotation}
			}
			given := &unstructured.Unstructured{Object: fields{"metadata": metadata}}
			record(fields{"ask": "mark", "object": given.Object, "marked": utils.AnyInMetadata(given, map[string]string{"k": "disabled"})})
		}
	}
}
