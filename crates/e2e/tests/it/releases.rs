//! Releases in the cluster: the real Helm lists, shows and rolls back what our codec stored, and we read what it wrote.
//!
//! Whatever Helm wrote is also encoded again by us, and the JSON inside must be the same bytes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sluice_helm::build::{self, BuildOptions, Strategy};
use sluice_helm::capabilities::Capabilities;
use sluice_helm::chart::{Chart, File, Limits};
use sluice_helm::release::storage::{self, Driver, Stamp};
use sluice_helm::release::{ApplyMethod, GoTime, Info, Release, Status, codec};
use sluice_helm::render::ReleaseOptions;
use sluice_testkit::api::Api;
use sluice_testkit::peers;
use sluice_testkit::plane::Plane;

const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: app\nversion: 1.2.3\nappVersion: \"2.0\"\ndescription: <an> & app\nkeywords: [a]\n\
         maintainers:\n- name: Someone\n  email: a@example.com\nannotations:\n  k: v\n",
    ),
    ("values.yaml", "color: red\nnested:\n  count: 3\n  ratio: 0.5\n"),
    ("values.schema.json", "{\"type\": \"object\", \"required\": [\"color\"]}"),
    (
        "templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  color: {{ .Values.color }}\n",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n  annotations:\n    \
         helm.sh/hook: pre-install,pre-rollback\n    helm.sh/hook-weight: \"-5\"\n    \
         helm.sh/hook-delete-policy: before-hook-creation\ndata: {}\n",
    ),
    (
        "templates/tests/t.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: t\n  annotations:\n    helm.sh/hook: test\n",
    ),
    ("templates/NOTES.txt", "Color is {{ .Values.color }}.\n"),
    ("README.md", "# App\n"),
];

fn chart() -> Chart {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: text.as_bytes().to_vec().into(),
        modified: None,
    };
    Chart::load(CHART.iter().map(file).collect(), &Limits::default()).unwrap()
}

/// A release as our engine makes it.
fn release(ns: &str, version: i64, status: Status, color: &str) -> Release {
    let config: Map<String, Value> = json!({"color": color}).as_object().unwrap().clone();
    let capabilities = Capabilities::default();
    let options = BuildOptions {
        release: ReleaseOptions {
            name: "app".to_owned(),
            namespace: ns.to_owned(),
            revision: version,
            is_upgrade: version > 1,
        },
        capabilities: &capabilities,
        budget: &build::budget(),
        now: jiff::Zoned::now(),
        random: &|bytes| bytes.fill(7),
        hooks: &sluice_gotmpl::NoHooks,
        skip_schema_validation: false,
        include_crds: false,
        subchart_notes: false,
        hide_secrets: false,
        strategy: Strategy::default(),
    };
    let built = build::build(&chart(), &config, &options, None).unwrap();
    let time = |text: &str| GoTime::parse(text).unwrap();
    Release {
        name: "app".to_owned(),
        info: Info {
            first_deployed: time("2024-01-02T03:04:05.5Z"),
            last_deployed: time(&format!("2024-01-02T03:04:0{version}Z")),
            description: if version > 1 { "Upgrade complete" } else { "Install complete" }.to_owned(),
            status,
            notes: built.notes,
            ..Info::default()
        },
        chart: Some(built.chart),
        config,
        manifest: built.manifest,
        hooks: built.hooks.into_iter().map(Into::into).collect(),
        version,
        namespace: ns.to_owned(),
        apply_method: Some(ApplyMethod::ServerSide),
        labels: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
    }
}

struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: tempfile::TempDir,
    ns: String,
    driver: Driver,
}

impl Helm {
    fn run(&self, words: &[&str]) -> String {
        let driver = match self.driver {
            Driver::Secret => "secret",
            Driver::ConfigMap => "configmap",
        };
        let got = Command::new(&self.program)
            .args(words)
            .args(["--namespace", &self.ns, "--kubeconfig"])
            .arg(&self.kubeconfig)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .env("HELM_DRIVER", driver)
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&got.stdout), String::from_utf8_lossy(&got.stderr));
        assert!(got.status.success(), "helm {words:?}: {out}{err}");
        out.into_owned()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[words, &["-o", "json"][..]].concat())).unwrap()
    }
}

fn path(ns: &str, driver: Driver) -> String {
    let plural = match driver {
        Driver::Secret => "secrets",
        Driver::ConfigMap => "configmaps",
    };
    format!("/api/v1/namespaces/{ns}/{plural}")
}

/// The stored text of a revision, and the release in it. Our encoding of it has the same JSON inside.
async fn stored(api: &Api, ns: &str, driver: Driver, version: i64) -> Release {
    let object = api.get(&format!("{}/{}", path(ns, driver), storage::key("app", version))).await.unwrap();
    let text = object["data"]["release"].as_str().unwrap();
    let text = match driver {
        Driver::Secret => String::from_utf8(STANDARD.decode(text).unwrap()).unwrap(),
        Driver::ConfigMap => text.to_owned(),
    };
    let mut unpacked = String::new();
    let packed = STANDARD.decode(&text).unwrap();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
    let release = codec::decode(text.as_bytes()).unwrap();
    assert_eq!(codec::to_json(&release), unpacked, "revision {version} in our words");
    let read = storage::read(&object).unwrap();
    assert_eq!(codec::to_json(&read), unpacked);
    read
}

async fn begin(test: &str, ns: &str, driver: Driver) -> Option<(Api, Helm)> {
    let Some(program) = peers::find("helm") else {
        peers::skip(test, "helm is not built");
        return None;
    };
    let plane = Plane::shared();
    let api = plane.api();
    api.create_namespace(ns).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    Some((api, Helm { program, kubeconfig: plane.kubeconfig(), home, ns: ns.to_owned(), driver }))
}

async fn helm_reads_ours(test: &str, ns: &str, driver: Driver) {
    let Some((api, helm)) = begin(test, ns, driver).await else { return };
    let (first, second) =
        (release(ns, 1, Status::Superseded, "red"), release(ns, 2, Status::Deployed, "blue"));
    for release in [&first, &second] {
        let object = storage::object(release, driver, ns, Stamp::Created(1_704_164_645));
        api.create(&path(ns, driver), &object).await.unwrap();
    }

    let list = helm.json(&["ls"]);
    let row = &list[0];
    assert_eq!(
        (&row["name"], &row["revision"], &row["status"], &row["chart"], &row["app_version"]),
        (&json!("app"), &json!("2"), &json!("deployed"), &json!("app-1.2.3"), &json!("2.0")),
        "{list}"
    );
    assert_eq!(helm.json(&["ls", "--selector", "team=a"])[0]["name"], "app", "labels are kept");
    let history = helm.json(&["history", "app"]);
    let told: Vec<(i64, &str, &str)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["revision"].as_i64().unwrap(),
                row["status"].as_str().unwrap(),
                row["description"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(1, "superseded", "Install complete"), (2, "deployed", "Upgrade complete")]);
    assert_eq!(helm.run(&["get", "manifest", "app"]).trim(), second.manifest.trim());
    assert_eq!(helm.run(&["get", "manifest", "app", "--revision", "1"]).trim(), first.manifest.trim());
    assert_eq!(helm.json(&["get", "values", "app"]), json!({"color": "blue"}));
    let all_values = helm.json(&["get", "values", "app", "--all"]);
    assert_eq!(all_values, json!({"color": "blue", "nested": {"count": 3, "ratio": 0.5}}));
    assert!(helm.run(&["get", "notes", "app"]).contains("Color is blue."));
    let hooks = helm.run(&["get", "hooks", "app"]);
    assert!(hooks.contains("app-hook") && hooks.contains("# Source: app/templates/tests/t.yaml"), "{hooks}");
    let all = helm.run(&["get", "all", "app"]);
    for part in ["CHART: app", "VERSION: 1.2.3", "REVISION: 2", "USER-SUPPLIED VALUES:", "color: blue"] {
        assert!(all.contains(part), "{part} in {all}");
    }

    helm.run(&["rollback", "app", "1"]);
    let map = api.get(&format!("/api/v1/namespaces/{ns}/configmaps/app")).await.unwrap();
    assert_eq!(map["data"]["color"], "red", "what Helm applied from our first revision");
    assert_eq!(stored(&api, ns, driver, 2).await.info.status, Status::Superseded);
    let third = stored(&api, ns, driver, 3).await;
    assert_eq!((third.info.status, third.info.description.as_str()), (Status::Deployed, "Rollback to 1"));
    assert_eq!((&third.manifest, &third.config), (&first.manifest, &first.config));
    assert_eq!(third.hooks.len(), first.hooks.len());
    helm.run(&["uninstall", "app", "--keep-history"]);
    assert_eq!(stored(&api, ns, driver, 3).await.info.status, Status::Uninstalled);
}

#[tokio::test]
async fn helm_reads_and_rolls_back_releases_in_secrets() {
    let test = "helm_reads_and_rolls_back_releases_in_secrets";
    helm_reads_ours(test, "releases-secret", Driver::Secret).await;
}

#[tokio::test]
async fn helm_reads_and_rolls_back_releases_in_config_maps() {
    let test = "helm_reads_and_rolls_back_releases_in_config_maps";
    helm_reads_ours(test, "releases-configmap", Driver::ConfigMap).await;
}

fn write_chart(folder: &Path) {
    for (name, text) in CHART {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

async fn we_read_helms(test: &str, ns: &str, driver: Driver) {
    let Some((api, helm)) = begin(test, ns, driver).await else { return };
    let folder = tempfile::tempdir().unwrap();
    write_chart(folder.path());
    let place = folder.path().to_str().unwrap();
    helm.run(&["install", "app", place, "--set", "color=green,list={1,a}", "--labels", "team=b"]);
    helm.run(&["upgrade", "app", place, "--set", "color=blue", "--description", "said <so>"]);

    let first = stored(&api, ns, driver, 1).await;
    assert_eq!(first.info.status, Status::Superseded);
    assert_eq!(Value::Object(first.config.clone()), json!({"color": "green", "list": [1.0, "a"]}));
    assert_eq!(first.labels, BTreeMap::from([("team".to_owned(), "b".to_owned())]));
    assert_eq!(first.hooks.len(), 2);
    let metadata = first.metadata().unwrap();
    assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("app", "1.2.3"));
    let second = stored(&api, ns, driver, 2).await;
    assert_eq!((second.info.status, second.info.description.as_str()), (Status::Deployed, "said <so>"));
    assert!(second.manifest.contains("color: blue"));
    assert!(second.info.notes.contains("Color is blue."));

    // Our revision after Helm's two: its history goes on.
    let mut superseded = second.clone();
    superseded.info.status = Status::Superseded;
    let object = storage::object(&superseded, driver, ns, Stamp::Modified(1_704_164_700));
    let object_path = format!("{}/{}", path(ns, driver), superseded.key());
    api.delete(&object_path).await.unwrap();
    api.create(&path(ns, driver), &object).await.unwrap();
    let mut third = second.clone();
    third.version = 3;
    "ours".clone_into(&mut third.info.description);
    let object = storage::object(&third, driver, ns, Stamp::Created(1_704_164_701));
    api.create(&path(ns, driver), &object).await.unwrap();
    let history = helm.json(&["history", "app"]);
    let told: Vec<&str> =
        history.as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(told, ["superseded", "superseded", "deployed"]);
    helm.run(&["upgrade", "app", place, "--reuse-values"]);
    assert_eq!(stored(&api, ns, driver, 4).await.config, third.config);
}

#[tokio::test]
async fn we_read_helms_releases_in_secrets() {
    we_read_helms("we_read_helms_releases_in_secrets", "helms-secret", Driver::Secret).await;
}

#[tokio::test]
async fn we_read_helms_releases_in_config_maps() {
    we_read_helms("we_read_helms_releases_in_config_maps", "helms-configmap", Driver::ConfigMap).await;
}

#[tokio::test]
async fn a_history_of_helm_3_goes_on() {
    let (test, ns, driver) = ("a_history_of_helm_3_goes_on", "helm-three", Driver::Secret);
    let Some((api, helm)) = begin(test, ns, driver).await else { return };
    // What Helm 3 wrote (crates/helm/tests/helm3.rs).
    let secrets: Vec<Value> = include_str!("../../../helm/tests/helm3/secrets.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for secret in &secrets {
        api.create(&path(ns, driver), secret).await.unwrap();
    }
    // Our revision after Helm 3's four, with what its first one had.
    let first = storage::read(&secrets[0]).unwrap();
    let mut last = storage::read(&secrets[3]).unwrap();
    last.info.status = Status::Superseded;
    api.delete(&format!("{}/{}", path(ns, driver), last.key())).await.unwrap();
    let object = storage::object(&last, driver, ns, Stamp::Modified(1_795_360_702));
    api.create(&path(ns, driver), &object).await.unwrap();
    let mut ours = release(ns, 5, Status::Deployed, "green");
    ours.labels.clone_from(&last.labels);
    let object = storage::object(&ours, driver, ns, Stamp::Created(1_795_360_703));
    api.create(&path(ns, driver), &object).await.unwrap();

    let history = helm.json(&["history", "app"]);
    let told: Vec<(i64, &str)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["revision"].as_i64().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [(1, "superseded"), (2, "superseded"), (3, "failed"), (4, "superseded"), (5, "deployed")]
    );
    assert_eq!(helm.json(&["ls", "--uninstalled"])[0]["name"], "gone");

    // Helm rolls back to a revision of Helm 3's, over ours; we read what it then wrote.
    helm.run(&["rollback", "app", "1"]);
    let map = api.get(&format!("/api/v1/namespaces/{ns}/configmaps/app")).await.unwrap();
    assert_eq!(map["data"]["color"], "red");
    let sixth = stored(&api, ns, driver, 6).await;
    assert_eq!((sixth.info.status, &sixth.manifest), (Status::Deployed, &first.manifest));
    assert_eq!((&sixth.config, &sixth.labels), (&first.config, &first.labels));
    assert_eq!(stored(&api, ns, driver, 5).await.info.status, Status::Superseded);
}
