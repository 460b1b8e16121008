//! `localize`: a copy of a kustomization in which what is remote has become local.
//!
//! Every root is copied file by file, as it is named in its kustomization; the copy's kustomization names the copies.
//! Pure: the copy is a map of paths and texts, and what is remote is asked for.

mod places;
mod plugins;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bytes::Bytes;
use sluice_budget::Budget;
use sluice_tree::Tree;

use crate::error::{Error, ErrorKind, Result, fail};
use crate::file::encode::Encode as _;
use crate::file::{FILE_NAMES, Kustomization, Patch};
use crate::load::{Answers, Ask, Loader, Shared};
use crate::origin::join;
use crate::read;
use crate::remote::{RepoSpec, is_web_address};

/// How deep roots may name each other.
const MAX_DEPTH: u32 = 64;

/// What is copied.
#[derive(Debug, Clone, Copy)]
pub struct Localize<'a> {
    /// The folder of the kustomization in the tree.
    pub folder: &'a str,
    /// Nothing outside of this folder is copied.
    pub scope: &'a str,
    /// The tree's root as messages show it.
    pub shown_root: &'a str,
    /// The folder, if it is in the tree, that the copy goes to: nothing in it may be read.
    pub destination: Option<&'a str>,
}

/// A finished copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Localized {
    /// By path below the destination.
    pub files: BTreeMap<String, Bytes>,
    pub folders: BTreeSet<String>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalizeOutcome {
    Done(Localized),
    /// Answer these and run again.
    Need(Vec<Ask>),
}

/// Copies a kustomization.
pub fn localize(
    tree: &dyn Tree,
    what: Localize<'_>,
    answers: &Answers,
    budget: &Budget,
) -> Result<LocalizeOutcome> {
    let shared = Rc::new(Shared {
        shown_root: what.shown_root,
        remote_allowed: true,
        ..Shared::new(tree, answers, budget)
    });
    let loader = Loader::start(Rc::clone(&shared), what.folder)?;
    let copy = RefCell::new(Localized::default());
    let to = places::relative(what.scope, loader.root());
    copy.borrow_mut().folders.insert(to.clone());
    let root = Root { what, loader, to, local: true, copy: &copy, depth: 0 };
    let result = root.localize();
    let asks = shared.asks.take();
    match result {
        Err(error) if error.kind == ErrorKind::Ask => Ok(LocalizeOutcome::Need(asks.into_iter().collect())),
        Err(error) => Err(error),
        Ok(()) => Ok(LocalizeOutcome::Done(copy.into_inner())),
    }
}

/// One root that is copied.
struct Root<'a, 'c> {
    what: Localize<'c>,
    loader: Rc<Loader<'a>>,
    /// Where it goes, below the destination.
    to: String,
    /// No repository is between the target and this root.
    local: bool,
    copy: &'c RefCell<Localized>,
    depth: u32,
}

impl Root<'_, '_> {
    fn localize(&self) -> Result<()> {
        if self.depth > MAX_DEPTH {
            fail!("kustomizations lie more than {MAX_DEPTH} deep in each other");
        }
        let (name, content) = self.kustomization()?;
        let value =
            crate::text::yaml_to_value(&content).map_err(|error| error.within("invalid Kustomization"))?;
        let mut kustomization = Kustomization::from_value(value)?;
        self.fields(&mut kustomization)?;
        self.plugins(&mut kustomization)?;
        let text = sluice_yaml::json::to_yaml(&kustomization.encode());
        self.put(name, text.into());
        Ok(())
    }

    fn kustomization(&self) -> Result<(&'static str, Bytes)> {
        let mut found = Vec::new();
        for name in FILE_NAMES {
            if let Some(content) = self.loader.load_optional(name) {
                found.push((name, content?));
            }
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Error::of(
                ErrorKind::MissingKustomization,
                format!(
                    "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in \
                     directory '{}'",
                    self.loader.shown()
                ),
            )),
            _ => fail!("Found multiple kustomization files under: {}", self.loader.shown()),
        }
    }

    fn put(&self, path: &str, content: Bytes) {
        let path = join(&self.to, path);
        self.copy.borrow_mut().files.insert(path, content);
    }

    fn fields(&self, file: &mut Kustomization) -> Result<()> {
        if let Some(path) = file.openapi.get_mut("path") {
            *path = self.file(path).map_err(|error| error.within("unable to localize openapi path"))?;
        }
        let each = |name: &str, paths: &mut [String], local: &dyn Fn(&str) -> Result<String>| -> Result<()> {
            for path in paths {
                *path = local(path)
                    .map_err(|error| error.within(format_args!("unable to localize {name} entry")))?;
            }
            Ok(())
        };
        each("bases", file.bases.as_deref_mut().unwrap_or_default(), &|path| self.root(path))?;
        each("components", &mut file.components, &|path| self.root(path))?;
        each("configurations", &mut file.configurations, &|path| self.file(path))?;
        each("crds", &mut file.crds, &|path| self.file(path))?;
        each("resources", &mut file.resources, &|path| self.resource(path))?;
        for args in &mut file.config_map_generator {
            self.generator(&mut args.env, &mut args.envs, &mut args.files)
                .map_err(|error| error.within("unable to localize configMapGenerator"))?;
        }
        for args in &mut file.secret_generator {
            self.generator(&mut args.env, &mut args.envs, &mut args.files)
                .map_err(|error| error.within("unable to localize secretGenerator"))?;
        }
        self.charts(file)?;
        self.patches(&mut file.patches).map_err(|error| error.within("unable to localize patches"))?;
        self.patches(file.patches_json6902.as_deref_mut().unwrap_or_default())
            .map_err(|error| error.within("unable to localize patchesJson6902"))?;
        for patch in file.patches_strategic_merge.iter_mut().flatten() {
            *patch = self
                .entry(patch)
                .map_err(|error| error.within("unable to localize patchesStrategicMerge entry"))?;
        }
        for replacement in &mut file.replacements {
            replacement.path = self
                .file(&replacement.path)
                .map_err(|error| error.within("unable to localize replacements entry"))?;
        }
        Ok(())
    }

    fn generator(&self, env: &mut String, envs: &mut [String], files: &mut [String]) -> Result<()> {
        *env = self.file(env).map_err(|error| error.within("unable to localize generator env file"))?;
        for env in envs {
            *env = self.file(env).map_err(|error| error.within("unable to localize generator envs file"))?;
        }
        files.iter_mut().try_for_each(|source| {
            *source = self.file_source(source)?;
            Ok(())
        })
    }

    /// `key=path` or a path.
    fn file_source(&self, source: &str) -> Result<String> {
        let invalid = |error: Error| error.within(format_args!("invalid file source {source:?}"));
        match source.split_once('=') {
            None => self.file(source).map_err(invalid),
            Some(("", _)) => fail!("missing key name for file path {} in source {source:?}", &source[1..]),
            Some((_, "")) => {
                fail!("missing file path for key name {} in source {source:?}", source.trim_end_matches('='))
            }
            Some((_, path)) if path.contains('=') => {
                fail!("source {source:?} key name or file path contains '='")
            }
            Some((key, path)) => Ok(format!("{key}={}", self.file(path).map_err(invalid)?)),
        }
    }

    fn patches(&self, patches: &mut [Patch]) -> Result<()> {
        patches.iter_mut().try_for_each(|patch| {
            patch.path = self.file(&patch.path)?;
            Ok(())
        })
    }

    /// A file or a root.
    fn resource(&self, path: &str) -> Result<String> {
        let file = self.load(path).and_then(|content| {
            read::objects(&content, self.loader.budget())
                .map_err(|error| error.within(format_args!("invalid resource at file {path:?}")))?;
            self.copy_file(path, content)
        });
        let file = match file {
            Err(error) if !error.is_stop() => error,
            done => return done,
        };
        self.root(path).map_err(|root| {
            root.told(|root| {
                format!(
                    "could not localize path {path:?} as file: {file}; could not localize path {path:?} as directory: {root}"
                )
            })
        })
    }

    /// An object that stands here or in a file.
    fn entry(&self, entry: &str) -> Result<String> {
        if self.objects(entry)?.1 { self.file(entry) } else { Ok(entry.to_owned()) }
    }

    /// The objects of an entry, and whether it is a path.
    fn objects(&self, entry: &str) -> Result<(Vec<sluice_yaml::Node>, bool)> {
        let inline = match read::objects(entry.as_bytes(), self.loader.budget()) {
            Ok(objects) => return Ok((objects, false)),
            Err(error) if error.is_stop() => return Err(error),
            Err(error) => error,
        };
        let content = self.load(entry);
        let found = content.and_then(|content| {
            read::objects(&content, self.loader.budget()).map_err(|error| read::in_file(error, entry))
        });
        found.map(|objects| (objects, true)).map_err(|file| {
            file.told(|file| {
                format!(
                    "unable to load resource entry {entry:?}: when parsing as inline received error: {inline}\n\
                     when parsing as filepath received error: {file}"
                )
            })
        })
    }

    /// Copies a file, if one is named.
    fn file(&self, path: &str) -> Result<String> {
        if path.is_empty() {
            return Ok(String::new());
        }
        let content = self.load(path)?;
        self.copy_file(path, content)
    }

    fn load(&self, path: &str) -> Result<Bytes> {
        let content = self.loader.load(path).map_err(|error| error.within("invalid file reference"))?;
        if self.local
            && !is_web_address(path)
            && let Some(destination) = self.what.destination
        {
            let real = self.real(path);
            if places::is_below(&real, destination) {
                fail!(
                    "file {path:?} at {:?} enters localize destination {:?}",
                    format!("/{real}"),
                    format!("/{destination}")
                );
            }
        }
        Ok(content)
    }

    /// Where a file really is in its tree.
    fn real(&self, path: &str) -> String {
        let place = self.loader.locate(path).unwrap_or_default();
        self.loader.tree().resolve(&place).map_or(place, |(real, _)| real)
    }

    fn copy_file(&self, path: &str, content: Bytes) -> Result<String> {
        let place = if is_web_address(path) {
            self.check_is_free("file", path)?;
            places::of_file(path)?
        } else {
            places::relative(self.loader.root(), &self.real(path))
        };
        self.put(&place, content);
        Ok(place)
    }

    fn check_is_free(&self, what: &str, path: &str) -> Result<()> {
        let taken = self.loader.locate(places::FOLDER).unwrap_or_default();
        if self.loader.tree().kind(&taken).is_ok() {
            let (root, folder) = (self.loader.shown(), places::FOLDER);
            fail!("{root} already contains {folder} needed to store {what} {path:?}");
        }
        Ok(())
    }

    /// Copies a root, if one is named.
    fn root(&self, path: &str) -> Result<String> {
        if path.is_empty() {
            return Ok(String::new());
        }
        let loader = self.loader.enter(path).map_err(|error| error.within("invalid root reference"))?;
        let spec = RepoSpec::parse(path);
        let place = match &spec {
            Some(spec) => {
                if spec.reference.is_empty() {
                    fail!("localize remote root {path:?} missing ref query string parameter");
                }
                self.check_is_free("root", path)?;
                places::of_root(spec, loader.root())
            }
            None => {
                if self.local {
                    self.check_scope(&loader)?;
                }
                places::relative(self.loader.root(), loader.root())
            }
        };
        let to = join(&self.to, &place);
        self.copy.borrow_mut().folders.insert(to.clone());
        let local = self.local && spec.is_none();
        let root = Root { what: self.what, loader, to, local, copy: self.copy, depth: self.depth + 1 };
        root.localize().map_err(|error| error.within(format_args!("unable to localize root {path:?}")))?;
        Ok(place)
    }

    fn check_scope(&self, loader: &Loader<'_>) -> Result<()> {
        let root = loader.root();
        if !places::is_below(root, self.what.scope) {
            fail!(
                "root {:?} outside localize scope {:?}",
                loader.shown(),
                format!("{}/{}", self.what.shown_root, self.what.scope)
            );
        }
        match self.what.destination {
            Some(destination) if places::is_below(root, destination) => {
                fail!(
                    "root {:?} references into localize destination {:?}",
                    loader.shown(),
                    format!("/{destination}")
                );
            }
            _ => Ok(()),
        }
    }
}
