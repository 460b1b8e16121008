//! The folders that the bench builds: many Deployments under one overlay, and a small overlay of two objects.

use std::fs;
use std::path::Path;

/// `base` with so many Deployments, one file each, and `overlay` on top of it.
pub fn synthetic(root: &Path, count: usize) -> Result<(), String> {
    let mut base = String::from("resources:\n");
    for number in 0..count {
        let name = format!("app-{number:05}");
        base.push_str(&format!("  - {name}.yaml\n"));
        write(&root.join(format!("base/{name}.yaml")), &deployment(&name, "info"))?;
    }
    base.push_str(
        "configMapGenerator:\n  - name: settings\n    literals:\n      - mode=production\n      - workers=4\n",
    );
    write(&root.join("base/kustomization.yaml"), &base)?;
    write(&root.join("overlay/kustomization.yaml"), OVERLAY)?;
    write(&root.join("overlay/resources.yaml"), PATCH)
}

/// One Deployment with two containers that reads a generated ConfigMap.
pub fn deployment(name: &str, level: &str) -> String {
    DEPLOYMENT.replace("{name}", name).replace("{level}", level)
}

/// A service of the kind that most repositories hold.
pub fn small(root: &Path) -> Result<(), String> {
    write(
        &root.join("base/kustomization.yaml"),
        "resources:\n  - deployment.yaml\n  - service.yaml\nconfigMapGenerator:\n  - name: settings\n    literals: [mode=test]\n",
    )?;
    write(&root.join("base/deployment.yaml"), SMALL_DEPLOYMENT)?;
    write(&root.join("base/service.yaml"), SMALL_SERVICE)?;
    write(&root.join("overlay/kustomization.yaml"), SMALL_OVERLAY)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    fs::write(path, text).map_err(told)
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app: {name}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      containers:
        - name: main
          image: registry.example.com/team/main:1.0
          ports:
            - containerPort: 8080
              name: http
          envFrom:
            - configMapRef:
                name: settings
          env:
            - name: LEVEL
              value: {level}
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
        - name: sidecar
          image: registry.example.com/team/sidecar:2.0
          args: [\"--port\", \"9090\"]
          volumeMounts:
            - name: settings
              mountPath: /etc/settings
      volumes:
        - name: settings
          configMap:
            name: settings
";

const OVERLAY: &str = "resources:
  - ../base
namePrefix: prod-
namespace: production
labels:
  - pairs:
      tier: backend
    includeSelectors: true
commonAnnotations:
  team: platform
images:
  - name: registry.example.com/team/main
    newTag: \"3.1\"
  - name: registry.example.com/team/sidecar
    newName: registry.example.com/team/proxy
    newTag: \"2.4\"
replicas:
  - name: app-00000
    count: 5
patches:
  - path: resources.yaml
    target:
      kind: Deployment
  - target:
      kind: Deployment
      name: app-.*
    patch: |-
      - op: add
        path: /spec/template/spec/terminationGracePeriodSeconds
        value: 45
";

const PATCH: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: any
spec:
  revisionHistoryLimit: 3
  template:
    spec:
      containers:
        - name: main
          resources:
            limits:
              memory: 256Mi
";

const SMALL_DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.0
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef:
                name: settings
";

const SMALL_SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
      targetPort: 8080
";

const SMALL_OVERLAY: &str = "resources: [../base]
namePrefix: prod-
namespace: production
images:
  - name: registry.example.com/web
    newTag: \"2.0\"
labels:
  - pairs: {tier: front}
    includeSelectors: true
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
      spec:
        replicas: 3
";
