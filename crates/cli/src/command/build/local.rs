//! A Kustomization built from a local folder instead of its source: by the same engine as the controller's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use sluice_budget::Budget;
use sluice_manifests::{Answers, Manifests, Outcome, Settings, metadata};
use sluice_tree::ignore::{Ignore, read_patterns};
use sluice_tree::{Entry, EntryKind, Folder, Limits, ReadError, Tree};

use super::sops;
use crate::command::debug::variables;
use crate::command::kustomize::{engine, remote};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::files;
use crate::kinds::KUSTOMIZATION;
use crate::object::{name, namespace, reference, text};

/// How deep Kustomizations may lie in Kustomizations: they can name each other in a circle.
const MAX_DEPTH: usize = 32;

#[derive(Debug, clap::Args)]
pub struct LocalArgs {
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Path to a local directory that matches the specified Kustomization.spec.path
    #[arg(long, default_value = "", hide_default_value = true)]
    path: String,
    /// Path to the Flux Kustomization YAML file
    #[arg(long)]
    kustomization_file: Option<PathBuf>,
    /// Set paths to ignore in .gitignore format
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// When enabled, the post build substitutions will fail if a var without a default value is declared in files but
    /// is missing from the input vars
    #[arg(long)]
    strict_substitute: bool,
    /// Recursively build Kustomizations
    #[arg(long, short)]
    pub recursive: bool,
    /// Comma-separated list of repositories in format: Kind/namespace/name=path
    #[arg(long, value_delimiter = ',')]
    local_sources: Vec<String>,
    /// Use in-memory filesystem during build; nothing is ever written to the folder
    #[arg(long)]
    in_memory_build: bool,
}

impl LocalArgs {
    pub fn name(&self) -> CliResult<&str> {
        let name = self.names.first().map(String::as_str);
        name.ok_or_else(|| CliError::new(format!("{} name is required", KUSTOMIZATION.human)))
    }
}

/// How Kustomizations are built in this command.
pub struct Local<'a> {
    cx: &'a Cx,
    args: &'a LocalArgs,
    sources: BTreeMap<&'a str, &'a str>,
    is_dry_run: bool,
    /// Whether the Kustomizations that a build holds are built too.
    goes_deeper: bool,
    /// Whether messages show paths as they were typed, or whole.
    shows_typed: bool,
}

/// What was built, and of which Kustomization.
pub struct Built {
    pub kustomization: Value,
    pub objects: Vec<Value>,
}

impl<'a> Local<'a> {
    pub fn new(cx: &'a Cx, args: &'a LocalArgs, is_dry_run: bool, goes_deeper: bool) -> CliResult<Self> {
        let mut sources = BTreeMap::new();
        for source in &args.local_sources {
            let (source, path) = source
                .split_once('=')
                .ok_or_else(|| CliError::new(format!("{source} must be formatted as key=value")))?;
            sources.insert(source, path);
        }
        Ok(Self {
            cx,
            args,
            sources,
            is_dry_run,
            goes_deeper: goes_deeper && args.recursive,
            shows_typed: false,
        })
    }

    pub fn showing_paths_as_typed(mut self) -> Self {
        self.shows_typed = true;
        self
    }

    /// The folder of the flag `--path`.
    pub fn check_path(&self, args: &LocalArgs) -> CliResult<PathBuf> {
        let path = Path::new(&args.path);
        if args.path.is_empty() || !path.is_dir() {
            return Err(CliError::new(format!("invalid resource path {:?}", args.path)));
        }
        if self.is_dry_run && args.kustomization_file.is_none() {
            return Err(CliError::new("dry-run mode requires a kustomization file"));
        }
        if let Some(file) = args.kustomization_file.as_ref().filter(|file| !file.is_file()) {
            let shown = file.display().to_string();
            return Err(CliError::new(format!("invalid kustomization file {shown:?}")));
        }
        Ok(path.to_owned())
    }

    /// Where a Kustomization's files are, by `--local-sources`.
    pub fn path_of(&self, kustomization: &Value) -> CliResult<PathBuf> {
        let source = reference(kustomization, "/spec/sourceRef", namespace(kustomization));
        let source = source.map(|source| source.to_string()).unwrap_or_default();
        let path = self.sources.get(source.as_str()).ok_or_else(|| {
            let name = name(kustomization);
            CliError::new(format!("cannot get local path for {source} of kustomization {name}"))
        })?;
        Ok(Path::new(path).join(text(kustomization, "/spec/path").trim_start_matches('/')))
    }

    /// Builds the Kustomization of this name with the files of `path`; `given` stands in where the cluster has none.
    pub fn build<'b>(
        &'b self,
        name: &'b str,
        place: &'b str,
        path: &'b Path,
        given: Option<&'b Value>,
        depth: usize,
    ) -> BoxFuture<'b, CliResult<Built>> {
        async move {
            if depth == MAX_DEPTH {
                let text = format!("Kustomizations lie more than {MAX_DEPTH} deep in each other");
                return Err(CliError::new(text));
            }
            let kustomization = self.kustomization(name, place, given).await.map_err(|error| {
                CliError::new(format!("failed to get kustomization object: {}", error.error))
            })?;
            let manifests = self.manifests(&kustomization, path).await?;
            let mut objects = manifests.objects;
            metadata::set_owner_labels(&mut objects, self::name(&kustomization), namespace(&kustomization));
            objects.iter_mut().for_each(sops::mask);
            let common = |field: &str| texts(&kustomization, &format!("/spec/commonMetadata/{field}"));
            metadata::set_common_metadata(&mut objects, &common("labels"), &common("annotations"));
            if self.goes_deeper {
                let mut deeper = Vec::new();
                for inner in objects.iter().filter(|object| is_other(object, &kustomization)) {
                    let path = self.path_of(inner)?;
                    let (name, place) = (self::name(inner), namespace(inner));
                    deeper.extend(self.build(name, place, &path, Some(inner), depth + 1).await?.objects);
                }
                objects.extend(deeper);
            }
            Ok(Built { kustomization, objects })
        }
        .boxed()
    }

    /// The Kustomization: from its file, with the status of the live one, or the live one.
    async fn kustomization(&self, name: &str, place: &str, given: Option<&Value>) -> CliResult<Value> {
        let file = self.args.kustomization_file.as_ref().filter(|_| given.is_none());
        let from_file = file.map(|file| read(file, name, place)).transpose()?;
        if self.is_dry_run {
            let local = from_file.or_else(|| given.cloned());
            return local.ok_or_else(|| CliError::new("dry-run mode requires a kustomization file"));
        }
        let cluster = self.cx.cluster().await?;
        let live = match cluster.get(&KUSTOMIZATION.resource(), place, name).await {
            Ok(live) => Some(live),
            Err(error) if error.is_not_found() && (from_file.is_some() || given.is_some()) => None,
            Err(error) => return Err(error.into()),
        };
        match (from_file, live) {
            (Some(mut local), live) => {
                if let Some(status) = live.and_then(|mut live| live.get_mut("status").map(Value::take)) {
                    local["status"] = status;
                }
                Ok(local)
            }
            (None, Some(live)) => Ok(live),
            (None, None) => given.cloned().ok_or_else(|| CliError::new("there is no Kustomization")),
        }
    }

    async fn manifests(&self, kustomization: &Value, path: &Path) -> CliResult<Manifests> {
        let variables = match kustomization.pointer("/spec/postBuild") {
            None => Ok(BTreeMap::new()),
            Some(_) if self.is_dry_run => Ok(variables::own(kustomization)),
            Some(_) => variables::of(self.cx, kustomization).await,
        };
        // That some could not be had matters only to an object that wants them.
        let (variables, missing) = match variables {
            Ok(variables) => (variables, None),
            Err(error) => (BTreeMap::new(), Some(error.error)),
        };
        let job = Job {
            folder: std::path::absolute(path)?,
            spec: kustomization.get("spec").cloned().unwrap_or_else(|| json!({})),
            variables,
            missing,
            strict: self.args.strict_substitute,
            ignored: self.args.ignore_paths.join("\n"),
        };
        let whole = job.folder.display().to_string();
        let bases = remote::bases();
        let mut answering = bases.answering();
        loop {
            let (job, answers) = (job.clone(), answering.answers().clone());
            let built = engine::deep(move || job.run(&answers)).await?;
            let outcome = built.map_err(|mut error| {
                if self.shows_typed {
                    error.error =
                        error.error.replace(&whole, path.display().to_string().trim_end_matches('/'));
                }
                error
            });
            match outcome? {
                Outcome::Done(manifests) => return Ok(manifests),
                Outcome::Need(asks) => {
                    answering.answer(asks).await.map_err(|error| CliError::new(error.to_string()))?;
                }
            }
        }
    }
}

/// Whether this is a Kustomization other than the one that it was built of.
pub fn is_other(object: &Value, itself: &Value) -> bool {
    text(object, "/apiVersion").starts_with(&format!("{}/", KUSTOMIZATION.group))
        && text(object, "/kind") == KUSTOMIZATION.kind
        && (name(object), namespace(object)) != (name(itself), namespace(itself))
}

fn texts(object: &Value, pointer: &str) -> BTreeMap<String, String> {
    let entries = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or("").to_owned())).collect()
}

/// The Kustomization of this name in a file of several documents.
fn read(file: &Path, name: &str, place: &str) -> CliResult<Value> {
    let shown = file.display();
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        CliError::new(format!("failed to {what} kustomization file {shown}: {error}"))
    };
    let text = files::read_text(file).map_err(|error| failed("read", &error))?;
    for document in sluice_yaml::json::split_reader(&text).map_err(|error| failed("unmarshall", &error))? {
        let object = sluice_yaml::json::from_yaml(document.as_bytes())
            .map_err(|error| failed("unmarshall", &error))?;
        let is_kustomization = self::text(&object, "/kind") == KUSTOMIZATION.kind
            && self::text(&object, "/apiVersion").starts_with(&format!("{}/", KUSTOMIZATION.group));
        let is_here = [place, ""].contains(&namespace(&object));
        if is_kustomization && self::name(&object) == name && is_here {
            return Ok(object);
        }
    }
    Err(CliError::new(format!(
        "failed find kustomization with name '{name}' and namespace '{place}' in file '{shown}'"
    )))
}

/// One run of the engine.
#[derive(Clone)]
struct Job {
    folder: PathBuf,
    spec: Value,
    variables: BTreeMap<String, String>,
    /// Why there are no more of them.
    missing: Option<String>,
    strict: bool,
    ignored: String,
}

impl Job {
    fn run(mut self, answers: &Answers) -> CliResult<Outcome> {
        let unreadable = |error: ReadError| CliError::new(error.to_string());
        let folder = std::fs::canonicalize(&self.folder)?;
        let root = root_of(&folder);
        let tree = Folder::open(&root, Limits::default()).map_err(unreadable)?;
        let below = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        let mut patterns = Vec::new();
        read_patterns(self.ignored.as_bytes(), &below, &mut patterns)
            .map_err(|_| CliError::new("too many paths to ignore"))?;
        let tree = Narrowed { tree, ignore: Ignore::only(patterns) };
        self.spec["path"] = json!(below);
        let shown_root = root.display().to_string();
        let settings = Settings {
            variables: &self.variables,
            missing: self.missing.as_deref(),
            strict: self.strict,
            shown_root: shown_root.trim_end_matches('/'),
            remote_bases: true,
            answers,
        };
        match sluice_manifests::build(&tree, &self.spec, &settings, &Budget::generous()) {
            Ok(outcome) => Ok(outcome),
            Err(sluice_manifests::Error::Generate(error)) => {
                Err(CliError::new(format!("failed to generate kustomization.yaml: {error} <nil>")))
            }
            Err(sluice_manifests::Error::PostBuild { id, text }) => {
                let name = id.rsplit('/').next().unwrap_or(&id);
                Err(CliError::new(format!("var substitution failed for '{name}': {text}")))
            }
            Err(error) => Err(CliError::new(error.to_string())),
        }
    }
}

/// How far up `../` may lead: to the root of the Git work tree, or anywhere where there is none.
fn root_of(folder: &Path) -> PathBuf {
    let work_tree = folder.ancestors().find(|ancestor| ancestor.join(".git").exists());
    work_tree.unwrap_or(Path::new("/")).to_owned()
}

/// A tree without what is to be ignored.
struct Narrowed {
    tree: Folder,
    ignore: Ignore,
}

impl Tree for Narrowed {
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError> {
        self.tree.resolve(path)
    }

    fn read(&self, path: &str) -> Result<bytes::Bytes, ReadError> {
        self.tree.read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let mut entries = self.tree.list(path)?;
        entries.retain(|entry| {
            let full = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            !self.ignore.excludes(&full, entry.kind == EntryKind::Folder)
        });
        Ok(entries)
    }
}
