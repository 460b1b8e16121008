//! What a story stands on: the shared plane with controllers, a namespace, a repository behind a password, and patience.
//!
//! SLUICE_SUBJECT=flux tells the same stories of Flux, which proves the story. The password is a canary: when a story
//! ends it must be found nowhere that a person or another program reads.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::api::Api;
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::peers;
use sluice_testkit::plane::{Options as PlaneOptions, Plane};
use sluice_testkit::proxy::Proxy;
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;

/// Long enough for a busy machine; a story that works never waits so long.
pub const PATIENCE: Duration = Duration::from_secs(90);

struct World {
    plane: &'static Plane,
    subject: Mutex<Subject>,
}

/// The subject of all stories.
pub fn kind() -> Option<Kind> {
    match std::env::var("SLUICE_SUBJECT") {
        Ok(subject) => Some(Kind::parse(&subject).unwrap()),
        Err(_) => Kind::sluice(),
    }
}

/// Our own controllers and a plane for one story alone; `None` where they are not built.
pub async fn own_plane(test: &str) -> Option<(Kind, Plane)> {
    own_plane_with(test, &PlaneOptions::default()).await
}

/// As [`own_plane`], a plane of another sort.
pub async fn own_plane_with(test: &str, options: &PlaneOptions) -> Option<(Kind, Plane)> {
    let Some(kind) = Kind::sluice().filter(Kind::is_built) else {
        peers::skip(test, "sluice is not built");
        return None;
    };
    let plane = tokio::task::block_in_place(|| Plane::start(options)).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    Some((kind, plane))
}

/// The way to a plane through a proxy before it.
pub fn through(proxy: &Proxy, plane: &Plane) -> Options {
    let kubeconfig = plane.folder().join("kubeconfig-proxy");
    std::fs::write(&kubeconfig, proxy.kubeconfig()).unwrap();
    Options { kubeconfig: Some(kubeconfig), ..Options::default() }
}

/// One set of controllers for all stories of this process.
fn world(test: &str) -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    let plane = Plane::shared();
    let start = || {
        let kind = kind().filter(Kind::is_built)?;
        std::thread::scope(|scope| {
            let prepared = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(Stage::prepare(plane, &kind)).unwrap();
            });
            prepared.join().unwrap();
        });
        let subject = Mutex::new(Subject::start(&kind, plane, &Options::default()).unwrap());
        Some(World { plane, subject })
    };
    let world = WORLD.get_or_init(start).as_ref();
    if world.is_none() {
        peers::skip(test, "the controllers are not built");
    }
    world
}

/// A story in its namespace.
pub struct Story {
    pub api: Api,
    pub ns: String,
    pub repository: Repository,
    pub server: GitServer,
    pub canary: String,
    _root: tempfile::TempDir,
    world: Option<&'static World>,
    requests: u32,
}

impl Story {
    /// Begins a story on the shared plane; `None` where there is none.
    pub async fn begin(name: &str) -> Option<Self> {
        let name = name.to_owned();
        let world = {
            let name = name.clone();
            tokio::task::spawn_blocking(move || world(&name)).await.unwrap()?
        };
        let mut story = Self::on(world.plane, &name).await;
        story.world = Some(world);
        Some(story)
    }

    /// Begins a story on a plane of its own.
    pub async fn on(plane: &Plane, name: &str) -> Self {
        let ns = format!("s-{}", name.replace('_', "-").chars().take(50).collect::<String>());
        let api = plane.api();
        api.create_namespace(&ns).await.unwrap();
        let root = tempfile::tempdir().unwrap();
        let repository = Repository::create(root.path(), "app").unwrap();
        let canary = format!("canary-{ns}");
        let login = Login::Basic { username: "ada".to_owned(), password: canary.clone() };
        let server = GitServer::start(root.path(), login).unwrap();
        Self { api, ns, repository, server, canary, _root: root, world: None, requests: 0 }
    }

    /// Commits files (`None` removes one); gives the revision as status shows it.
    pub fn commit(&mut self, files: &[(&str, Option<&str>)]) -> String {
        format!("main@sha1:{}", self.repository.commit(files).unwrap())
    }

    /// Writes a file that the next commit takes.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.repository.work().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The plane's kubeconfig.
    pub fn kubeconfig(&self) -> std::path::PathBuf {
        self.world.expect("a story on the shared plane").plane.kubeconfig()
    }

    /// The address of the plane's API server.
    pub fn api_url(&self) -> String {
        self.world.expect("a story on the shared plane").plane.url().to_owned()
    }

    pub async fn apply(&self, object: Value) {
        self.api.apply("person", &self.ns, &object).await.unwrap();
    }

    /// The GitRepository `app` with its password, Ready.
    pub async fn source(&self) {
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
            "stringData": {"username": "ada", "password": self.canary},
        }))
        .await;
        self.apply(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "app"},
            "spec": {
                "interval": "10m", "url": format!("{}/app.git", self.server.url()), "ref": {"branch": "main"},
                "secretRef": {"name": "login"},
            },
        }))
        .await;
        self.ready("GitRepository", "app").await;
    }

    /// A Kustomization of `./<name>`; `more` is merged into its spec.
    pub async fn kustomization(&self, name: &str, more: Value) {
        let mut spec = json!({
            "interval": "10m", "retryInterval": "2s", "timeout": "10s", "path": format!("./{name}"), "prune": true,
            "targetNamespace": self.ns, "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.apply(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name}, "spec": spec,
        }))
        .await;
    }

    /// `/…/namespaces/<ns>/<plural>/<name>` of a kind that stories use.
    pub fn path(&self, kind: &str, name: &str) -> String {
        let (group, plural) = match kind {
            "GitRepository" => ("apis/source.toolkit.fluxcd.io/v1", "gitrepositories"),
            "Kustomization" => ("apis/kustomize.toolkit.fluxcd.io/v1", "kustomizations"),
            "Deployment" => ("apis/apps/v1", "deployments"),
            "ConfigMap" => ("api/v1", "configmaps"),
            "Event" => ("api/v1", "events"),
            other => panic!("{other} is not known to stories"),
        };
        format!("/{group}/namespaces/{}/{plural}/{name}", self.ns)
    }

    /// Waits until an object is as wanted.
    pub async fn until(&self, kind: &str, name: &str, is_so: impl FnMut(&Value) -> bool) -> Value {
        let waited = self.api.wait_until(&self.path(kind, name), PATIENCE, is_so).await;
        waited.unwrap_or_else(|last| panic!("{kind} {name} is still {last:#}\n{}", self.log()))
    }

    /// Waits until it is Ready in its present generation.
    pub async fn ready(&self, kind: &str, name: &str) -> Value {
        self.until(kind, name, |object| is_current(object) && condition(object, "Ready")["status"] == "True")
            .await
    }

    /// Waits until a Kustomization is Ready at a revision.
    pub async fn applied(&self, name: &str, revision: &str) -> Value {
        let is_so = |object: &Value| {
            is_current(object)
                && condition(object, "Ready")["status"] == "True"
                && object["status"]["lastAppliedRevision"] == revision
        };
        self.until("Kustomization", name, is_so).await
    }

    /// Waits until it is not Ready, for a reason.
    pub async fn failed(&self, kind: &str, name: &str, reason: &str) -> Value {
        let is_so = |object: &Value| {
            let ready = condition(object, "Ready");
            ready["status"] == "False" && ready["reason"] == reason
        };
        self.until(kind, name, is_so).await
    }

    /// Asks for a reconcile now, and waits until it was handled.
    pub async fn reconcile(&mut self, kind: &str, name: &str) -> Value {
        self.requests += 1;
        let token = format!("2026-01-01T00:00:{:02}Z", self.requests);
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.api.merge_patch(&self.path(kind, name), &patch).await.unwrap();
        self.until(kind, name, |object| object["status"]["lastHandledReconcileAt"] == token).await
    }

    /// Commits, and waits until the source has it.
    pub async fn push(&mut self, files: &[(&str, Option<&str>)]) -> String {
        let revision = self.commit(files);
        self.reconcile("GitRepository", "app").await;
        self.until("GitRepository", "app", |object| object["status"]["artifact"]["revision"] == revision)
            .await;
        revision
    }

    /// An object of the namespace as it is now; `Null` where there is none.
    pub async fn get(&self, kind: &str, name: &str) -> Value {
        match self.api.get(&self.path(kind, name)).await {
            Ok(object) => object,
            Err(error) if error.code() == 404 => Value::Null,
            Err(error) => panic!("{kind} {name}: {error}"),
        }
    }

    /// Waits until an event about an object says this; gives it.
    pub async fn event(&self, on: &str, reason: &str, message: &str) -> Value {
        let begun = std::time::Instant::now();
        let collection = self.path("Event", "");
        let collection = collection.trim_end_matches('/');
        loop {
            let list = self.api.get(collection).await.unwrap();
            let is_it = |event: &&Value| {
                event["involvedObject"]["name"] == on
                    && event["reason"] == reason
                    && event["message"].as_str().is_some_and(|text| text.contains(message))
            };
            if let Some(event) = list["items"].as_array().unwrap().iter().find(is_it) {
                return event.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "no event {reason} {message} on {on}: {list:#}");
            let version = list["metadata"]["resourceVersion"].as_str().unwrap();
            let mut watch = self.api.watch(collection, version).await.unwrap();
            let _ = tokio::time::timeout(PATIENCE, futures::StreamExt::next(&mut watch)).await;
        }
    }

    fn log(&self) -> String {
        let log = self.world.map(|world| world.subject.lock().unwrap_or_else(PoisonError::into_inner).log());
        let log = log.unwrap_or_default();
        let about: Vec<&str> = log.lines().filter(|line| line.contains(&self.ns)).collect();
        about[about.len().saturating_sub(20)..].join("\n")
    }

    /// Ends the story: the canary is looked for, the namespace goes.
    pub async fn end(self) {
        if let Some(world) = self.world {
            let (log, storage) = {
                let mut subject = world.subject.lock().unwrap_or_else(PoisonError::into_inner);
                assert_eq!(subject.ended(), None);
                (subject.log(), subject.storage())
            };
            self.look_for_canary(&log, &storage).await;
        }
        let _ = self.api.delete(&format!("/api/v1/namespaces/{}", self.ns)).await;
    }

    /// Fails where the password is in a log, an event, an object of ours or a file of the store.
    pub async fn look_for_canary(&self, log: &str, storage: &std::path::Path) {
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &self.canary);
        let is_clean = |place: &str, text: &str| {
            assert!(!text.contains(&self.canary) && !text.contains(&encoded), "the canary is in {place}");
        };
        is_clean("the log", log);
        for (kind, name) in [("GitRepository", ""), ("Kustomization", ""), ("Event", "")] {
            let path = self.path(kind, name);
            let list = self.api.get(path.trim_end_matches('/')).await.unwrap();
            is_clean(kind, &list.to_string());
        }
        let mut folders = vec![storage.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if let Ok(bytes) = std::fs::read(entry.path()) {
                    is_clean("the store", &String::from_utf8_lossy(&bytes));
                }
            }
        }
    }
}

pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

fn is_current(object: &Value) -> bool {
    object["metadata"]["generation"] == object["status"]["observedGeneration"]
}

/// A ConfigMap with one key.
pub fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: \"{value}\"\n")
}

/// A Deployment; with no replicas it is healthy at once, with some it waits for nodes that are not there.
pub fn deployment(name: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: {replicas}\n  selector:\n    \
         matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      \
         containers:\n        - name: c\n          image: example.com/c:1\n"
    )
}
