//! Every command that the reference was seen to run, in the same order, on a real control plane with Flux's own
//! source- and kustomize-controller behind it: the same text on the same stream, the same exit status.
//!
//! Where other things were done between two commands of the record, `between` does them. A command that is not run
//! stands in `LEFT_OUT` with its reason.

use std::path::Path;
use std::process::Command;

use futures::StreamExt;
use regex::Regex;
use serde_json::{Value, json};
use sluice_testkit::api::Api;
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::peers;
use sluice_testkit::plane::{Options, Plane};
use sluice_testkit::subject::{self, Kind, Subject};

use super::record::{self, Step};

/// Commands that are not compared, by how they begin, each with its reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("reconcile hr", "needs helm-controller"),
    ("resume hr", "needs helm-controller"),
    ("export hr", "shows what `reconcile hr` asked for, which needs helm-controller"),
    ("install", "installing controllers is not part of the command line yet"),
];

/// `flux events` as a whole names the HelmRelease's events.
const LEFT_OUT_WHOLE: &[(&str, &str)] = &[("events", "names events of helm-controller")];

/// Kinds whose controllers are not there: their definitions admit anything.
const OTHER_KINDS: &[(&str, &str, &str, &str)] = &[
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"),
    ("notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"),
    ("notification.toolkit.fluxcd.io", "v1beta3", "Provider", "providers"),
    ("notification.toolkit.fluxcd.io", "v1beta3", "Alert", "alerts"),
    ("image.toolkit.fluxcd.io", "v1", "ImageRepository", "imagerepositories"),
    ("image.toolkit.fluxcd.io", "v1", "ImagePolicy", "imagepolicies"),
    ("image.toolkit.fluxcd.io", "v1", "ImageUpdateAutomation", "imageupdateautomations"),
];

const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";
const GIT_REPOSITORIES: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories";
const HELM_CHARTS: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/helmcharts";
const HELM_RELEASES: &str = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sluice_prints_what_flux_printed() {
    let test = "sluice_prints_what_flux_printed";
    if !Plane::is_built() || !Kind::Flux.is_built() {
        return peers::skip(
            test,
            "the control plane and Flux's controllers are not built (cargo xtask peers)",
        );
    }
    let plane = Plane::start(&Options::default()).unwrap();
    let world = World::build(&plane).await;
    let (mut compared, mut left_out, mut different) = (0, 0, Vec::new());
    for step in record::steps() {
        world.between(&step).await;
        if let Some(reason) = reason_to_leave_out(&step) {
            peers::skip(&format!("sluice {}", step.command), reason);
            left_out += 1;
            continue;
        }
        compared += 1;
        let got = world.run(&step.command);
        let (want, got) = (world.masks.apply(&step), world.masks.apply(&got));
        if (&want.out, &want.err, want.status) != (&got.out, &got.err, got.status) {
            different.push(format!("{}: sluice {}\nwant {want:#?}\ngot {got:#?}", step.line, step.command));
        }
    }
    println!("{compared} commands compared, {left_out} left out");
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}

fn reason_to_leave_out(step: &Step) -> Option<&'static str> {
    let begins = LEFT_OUT.iter().find(|(start, _)| step.command.starts_with(start));
    let is_whole = LEFT_OUT_WHOLE.iter().find(|(whole, _)| step.command == *whole);
    begins.or(is_whole).map(|(_, reason)| *reason)
}

/// The plane, what runs on it, and the binary under test.
struct World {
    api: Api,
    kubeconfig: std::path::PathBuf,
    _controllers: Subject,
    git: GitServer,
    masks: Masks,
    _root: tempfile::TempDir,
}

impl World {
    async fn build(plane: &Plane) -> Self {
        let api = plane.api();
        for namespace in ["flux-system", "apps"] {
            api.create_namespace(namespace).await.unwrap();
        }
        let ours = Kind::Program { program: "sluice".into(), arguments: Vec::new() };
        let definitions = ours.definitions().unwrap();
        let others =
            OTHER_KINDS.iter().map(|(group, version, kind, plural)| any(group, version, kind, plural));
        for definition in definitions.into_iter().chain(others) {
            api.apply("person", "", &definition).await.unwrap();
        }
        for definition in
            api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").await.unwrap()["items"]
                .as_array()
                .unwrap()
        {
            let name = definition["metadata"]["name"].as_str().unwrap();
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            until(&api, path, name, |object| has_condition(object, "Established", "True")).await;
        }
        let root = tempfile::tempdir().unwrap();
        let repository = Repository::create(root.path(), "app").unwrap();
        copy(&record::folder().join("repository"), repository.work());
        repository.commit_all("init").unwrap();
        repository.push().unwrap();
        let git = GitServer::start(root.path(), Login::Anyone).unwrap();
        let controllers = Subject::start(&Kind::Flux, plane, &subject::Options::default()).unwrap();
        let masks = Masks::new(&git.host(), &repository.head().unwrap());
        Self { api, kubeconfig: plane.kubeconfig(), _controllers: controllers, git, masks, _root: root }
    }

    /// Runs a command of the record; the program's name stays out of it.
    fn run(&self, command: &str) -> Step {
        let words = command.replace("127.0.0.1:18080", &self.git.host());
        let got = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(words.split(' '))
            .env_clear()
            .env("KUBECONFIG", &self.kubeconfig)
            .env("TZ", "UTC")
            .current_dir(record::folder())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Step {
            line: 0,
            command: command.to_owned(),
            out: text(&got.stdout).replace("sluice: v", "flux: v"),
            err: text(&got.stderr).replace("\"sluice\"", "\"flux\""),
            status: got.status.code().unwrap(),
        }
    }

    /// What was done before this step, besides the commands of the record.
    async fn between(&self, step: &Step) {
        match (step.command.as_str(), step.out.is_empty()) {
            ("get all", false) => self.fill().await,
            ("resume source git app", _) => drop(self.run("resume ks app")),
            _ => {}
        }
    }

    /// Everything that the tables show beside what the first commands made.
    async fn fill(&self) {
        let app = "create kustomization app --source=GitRepository/app --path=./app --prune=true --interval=10m \
                   --target-namespace=apps";
        assert_eq!(self.run(app).status, 0);
        self.run("reconcile ks app");
        let object = |api_version: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "flux-system"}, "spec": spec});
        let source = json!({"kind": "GitRepository", "name": "app"});
        let url = format!("{}/nowhere.git", self.git.url());
        let nowhere = json!({"interval": "10m", "url": url, "ref": {"branch": "main"}});
        let nowhere = object("source.toolkit.fluxcd.io/v1", "GitRepository", "nowhere", nowhere);
        self.make(GIT_REPOSITORIES, &nowhere).await;
        let dep = json!({
            "interval": "10m", "path": "./app", "prune": true, "sourceRef": source, "dependsOn": [{"name": "broken"}],
        });
        let dep = object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "dep", dep);
        self.make(KUSTOMIZATIONS, &dep).await;
        let chart = json!({"chart": "./chart", "version": "*", "interval": "10m", "sourceRef": source});
        let chart = object("source.toolkit.fluxcd.io/v1", "HelmChart", "flux-system-app", chart);
        self.make(HELM_CHARTS, &chart).await;
        let release =
            json!({"interval": "10m", "chart": {"spec": {"chart": "./chart", "sourceRef": source}}});
        let release = object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "app", release);
        self.make(HELM_RELEASES, &release).await;
        let message = "Helm install succeeded for release apps/rel.v1 with chart app@1.0.0";
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "InstallSucceeded", "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let status = json!({"status": {"history": [{"chartVersion": "1.0.0"}], "conditions": [ready]}});
        self.api.merge_patch(&format!("{HELM_RELEASES}/app/status"), &status).await.unwrap();

        let is = |status| move |object: &Value| has_condition(object, "Ready", status);
        until(&self.api, GIT_REPOSITORIES, "nowhere", is("False")).await;
        until(&self.api, KUSTOMIZATIONS, "broken", is("False")).await;
        until(&self.api, KUSTOMIZATIONS, "dep", is("False")).await;
        until(&self.api, HELM_CHARTS, "flux-system-app", is("True")).await;
    }

    async fn make(&self, path: &str, object: &Value) {
        self.api.create(path, object).await.unwrap();
    }
}

fn has_condition(object: &Value, condition_type: &str, status: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == condition_type && one["status"] == status)
}

/// Waits until an object is as wanted.
async fn until(api: &Api, path: &str, name: &str, wanted: impl Fn(&Value) -> bool) {
    let list = api.get(path).await.unwrap();
    let is_it = |object: &Value| object["metadata"]["name"] == name && wanted(object);
    if list["items"].as_array().unwrap().iter().any(is_it) {
        return;
    }
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut events = api.watch(path, version).await.unwrap();
    let seen = async {
        while let Some(event) = events.next().await {
            if is_it(&event.unwrap().object) {
                return;
            }
        }
        panic!("the watch of {path} ended before {name} was as wanted");
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), seen).await.unwrap();
}

/// A definition that admits anything.
fn any(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            }],
        },
    })
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What differs from one run to the next.
struct Masks {
    host: String,
    commit: String,
    patterns: Vec<(Regex, &'static str)>,
    padding: Regex,
}

/// The commit of the record.
const COMMIT: &str = "6e194126e4055db00a40af65cb2fe5d8b4c1f573";

impl Masks {
    fn new(host: &str, commit: &str) -> Self {
        let patterns = [
            (r#"requestedAt: "[^"]+""#, r#"requestedAt: "<time>""#),
            (r"stat \S+: no such file", "stat <tmp>: no such file"),
            (r"Reconciliation finished in [0-9.]+m?s,", "Reconciliation finished in <duration>,"),
            (r"(?m)^\d+[smh]\S*( \(x\d+ over \S+\))?", "<age>"),
            (r"\d+ B", "<size>"),
            (r"(flux|sluice): v\S+", "flux: <version>"),
        ];
        let patterns = patterns.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask)).to_vec();
        let padding = Regex::new(r" +(\t|\n)").unwrap();
        Self { host: host.to_owned(), commit: commit.to_owned(), patterns, padding }
    }

    fn apply(&self, step: &Step) -> Step {
        let mask = |text: &str| {
            let plain = text
                .replace(&self.host, "git.example.com")
                .replace(&self.commit, COMMIT)
                .replace(&self.commit[..8], &COMMIT[..8]);
            let mut masked = plain.clone();
            for (pattern, mask) in &self.patterns {
                masked = pattern.replace_all(&masked, *mask).into_owned();
            }
            // Columns are as wide as their cells: where a cell was masked, in the record or here, padding says nothing.
            if text.contains("<tmp>") || masked != plain {
                masked = self.padding.replace_all(&masked, "$1").into_owned();
            }
            // Events carry whole seconds: the order of two within one is chance.
            if step.command.starts_with("events") {
                let mut lines: Vec<&str> = masked.split_inclusive('\n').collect();
                lines.sort_unstable();
                masked = lines.concat();
            }
            masked
        };
        Step { out: mask(&step.out), err: mask(&step.err), ..step.clone() }
    }
}
