// What Helm 4 writes when it stores a release again that it has read.
//
//	a Secret of a release, on standard input
//	the JSON inside the release that Helm 4 would store, on standard output

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"

	"helm.sh/helm/v4/pkg/storage/driver"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A namespace that holds one Secret.
type one struct {
	corev1.SecretInterface
	secret *v1.Secret
}

func (o one) Get(context.Context, string, metav1.GetOptions) (*v1.Secret, error) {
	return o.secret, nil
}

func recordReleases() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		secret := &v1.Secret{}
		if err := json.Unmarshal(line, secret); err != nil {
			panic(err)
		}
		release, err := driver.NewSecrets(one{secret: secret}).Get(secret.Name)
		if err != nil {
			panic(err)
		}
		if err := out.Encode(release); err != nil {
			panic(err)
		}
	}
}
