//! Reading files as one kustomization may: relative to its root, restricted to it unless allowed, never in a circle.
//! What is read, listed and looked for in vain is noted.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use sluice_budget::Budget;
use sluice_tree::{EntryKind, ReadError, Tree};

use crate::error::{Error, ErrorKind, Result};
use crate::origin::{clean, join};
use crate::remote::{RepoSpec, is_web_address};

/// What a build has looked at, as paths below the tree's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    pub files: BTreeSet<String>,
    pub folders: BTreeSet<String>,
    /// Looked for and not there.
    pub missing: BTreeSet<String>,
}

impl Reads {
    pub fn extend(&mut self, other: Reads) {
        self.files.extend(other.files);
        self.folders.extend(other.folders);
        self.missing.extend(other.missing);
    }

    /// True when a change of this path can change the build.
    pub fn touches(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.files.contains(path)
            || self.folders.contains(parent)
            || self.missing.contains(path)
            || is_above(path, &self.files)
            || is_above(path, &self.folders)
            || is_above(path, &self.missing)
            || self
                .missing
                .iter()
                .any(|missing| path.strip_prefix(missing.as_str()).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// True for a folder, or a link to one, of one of the paths.
fn is_above(path: &str, paths: &BTreeSet<String>) -> bool {
    let below = format!("{path}/");
    paths.range(below.clone()..).next().is_some_and(|first| first.starts_with(&below))
}

/// Something outside of the tree that the build needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// The body of a web address.
    File(String),
    /// A repository's files at a reference.
    Repository(RepoSpec),
}

/// What the caller found for earlier asks.
#[derive(Clone, Default)]
pub struct Answers {
    /// By address; the error is what the fetch said.
    pub files: BTreeMap<String, std::result::Result<Bytes, String>>,
    /// By the raw string of the ask.
    pub repositories: BTreeMap<String, std::result::Result<Arc<dyn Tree + Send + Sync>, String>>,
}

/// What all loaders of one build share.
pub(crate) struct Shared<'a> {
    pub tree: &'a dyn Tree,
    /// The tree's root as messages show it; empty for `/`.
    pub shown_root: &'a str,
    pub answers: &'a Answers,
    pub restricted: bool,
    pub remote_allowed: bool,
    /// How many threads may work on the build.
    pub threads: usize,
    pub reads: RefCell<Reads>,
    pub asks: RefCell<BTreeSet<Ask>>,
    pub budget: &'a Budget,
    /// How deep kustomizations are nested at present.
    pub depth: Cell<u32>,
    /// Files that were read for something else than their objects.
    pub settings: RefCell<BTreeSet<String>>,
    /// A link, an answer or a repository was used: what changes cannot be told by paths.
    pub is_indirect: Cell<bool>,
}

impl<'a> Shared<'a> {
    /// Nothing read yet; nothing outside of the tree and of each root is allowed.
    pub(crate) fn new(tree: &'a dyn Tree, answers: &'a Answers, budget: &'a Budget) -> Self {
        Self {
            tree,
            shown_root: "",
            answers,
            restricted: true,
            remote_allowed: false,
            threads: 1,
            reads: RefCell::default(),
            asks: RefCell::default(),
            budget,
            depth: Cell::new(0),
            settings: RefCell::default(),
            is_indirect: Cell::new(false),
        }
    }
}

/// The loader of one kustomization.
pub(crate) struct Loader<'a> {
    shared: Rc<Shared<'a>>,
    /// The root below the tree's own root, links followed.
    root: String,
    /// The repository that we are in, when it is not the main tree.
    repository: Option<Rc<Repository>>,
    referrer: Option<Rc<Loader<'a>>>,
}

/// The real path of something, and what it is.
pub(crate) type Found = std::result::Result<(String, EntryKind), ReadError>;

/// What is in a file, where it has been read.
pub(crate) type Content = Option<std::result::Result<Bytes, ReadError>>;

/// The real path of a place. Most of them lie in their loader's root, which is one.
pub(crate) fn resolve(tree: &dyn Tree, root: &str, place: &str) -> Found {
    let name = if root.is_empty() {
        Some(place)
    } else {
        place.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'))
    };
    match name.filter(|name| !name.is_empty() && !name.contains('/')) {
        Some(name) => tree.resolve_in(root, name),
        None => tree.resolve(place),
    }
}

struct Repository {
    spec: RepoSpec,
    tree: Arc<dyn Tree + Send + Sync>,
}

impl<'a> Loader<'a> {
    /// The loader at the folder to build.
    pub(crate) fn start(shared: Rc<Shared<'a>>, folder: &str) -> Result<Rc<Self>> {
        let mut loader = Self { shared, root: String::new(), repository: None, referrer: None };
        let shown = loader.show(folder.trim_matches('/'));
        let root =
            loader.confirm_folder(folder, &shown).map_err(|error| error.within("must build at directory"))?;
        loader.root = root;
        Ok(Rc::new(loader))
    }

    pub(crate) fn budget(&self) -> &'a Budget {
        self.shared.budget
    }

    pub(crate) fn shared(&self) -> &Shared<'a> {
        &self.shared
    }

    /// The root as messages show it.
    pub(crate) fn shown(&self) -> String {
        self.show(&self.root)
    }

    /// The root below the tree's root.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.repository.is_some()
    }

    fn show(&self, path: &str) -> String {
        let base = match &self.repository {
            Some(repository) => repository.spec.clone_spec(),
            None => self.shared.shown_root.trim_end_matches('/').to_owned(),
        };
        if path.is_empty() && !base.is_empty() { base } else { format!("{base}/{path}") }
    }

    pub(crate) fn tree(&self) -> &dyn Tree {
        match &self.repository {
            Some(repository) => repository.tree.as_ref(),
            None => self.shared.tree,
        }
    }

    /// Takes a path as it is written in a kustomization to one below the tree's root and one to show.
    /// `None` for a path that leaves the tree.
    fn place(&self, path: &str) -> (Option<String>, String) {
        if path.starts_with('/') {
            let shown = clean(path);
            let base = self.shared.shown_root.trim_end_matches('/');
            let inside = shown
                .strip_prefix(base)
                .filter(|rest| rest.starts_with('/'))
                .map(|rest| rest[1..].to_owned());
            return (inside, path.to_owned());
        }
        let joined = join(&self.root, path);
        if joined == ".." || joined.starts_with("../") {
            // Above the tree: shown as the whole path would be.
            let shown = clean(&format!("{}/{path}", self.shown()));
            return (None, shown);
        }
        let joined = if joined == "." { String::new() } else { joined };
        let shown = self.show(&joined);
        (Some(joined), shown)
    }

    /// A path of this kustomization below the root of its tree; nothing where it leaves the tree.
    pub(crate) fn locate(&self, path: &str) -> Option<String> {
        self.place(path).0
    }

    fn note_missing(&self, path: &str) {
        if self.repository.is_none() {
            self.shared.reads.borrow_mut().missing.insert(path.to_owned());
        }
    }

    /// The first part of a path that is not there, as `lstat` would name it.
    fn first_missing(&self, path: &str) -> String {
        for (at, _) in path.match_indices('/') {
            if self.tree().kind(&path[..at]).is_err() {
                return path[..at].to_owned();
            }
        }
        path.to_owned()
    }

    fn link_failure(&self, path: &str, shown: &str, error: &ReadError) -> Error {
        let text = match error {
            ReadError::Escapes(_) => return self.outside("abs", shown),
            ReadError::NotFound(_) => {
                let missing = self.first_missing(path);
                self.note_missing(&missing);
                format!("lstat {}: no such file or directory", self.show(&missing))
            }
            ReadError::NotFolder(_) => format!("lstat {shown}: not a directory"),
            ReadError::TooManyLinks(_) => "EvalSymlinks: too many links".to_owned(),
            other => other.to_string(),
        };
        Error::new(format!("evalsymlink failure on '{shown}' : {text}"))
    }

    /// As the file system of Flux refuses it.
    fn outside(&self, doing: &str, shown: &str) -> Error {
        let root = self.shared.shown_root;
        let root = if root.is_empty() { "/" } else { root };
        Error::of(
            ErrorKind::Refused,
            format!("fs-security-constraint {doing} {shown}: path '{shown}' is not in or below '{root}'"),
        )
    }

    /// The real folder of a path; fails on files.
    fn confirm_folder(&self, path: &str, shown: &str) -> Result<String> {
        match self.tree().resolve(path) {
            Ok((real, EntryKind::Folder)) => {
                if real != path.trim_matches('/') {
                    self.shared.is_indirect.set(true);
                }
                Ok(real)
            }
            Ok((_, EntryKind::File)) => Err(Error::new(format!("'{shown}': file is not directory"))),
            Err(error) => Err(self.link_failure(path, shown, &error).within("not a valid directory")),
        }
    }

    /// The bytes of a file named in this kustomization.
    pub(crate) fn load(&self, path: &str) -> Result<Bytes> {
        let content = self.load_objects(path)?;
        if let Some(place) = self.inside(path) {
            self.shared.settings.borrow_mut().insert(place);
        }
        Ok(content)
    }

    /// Where a file of this kustomization is in its tree; nothing for a web address, and outside of the tree.
    pub(crate) fn place_of_file(&self, path: &str) -> Option<String> {
        if is_web_address(path) { None } else { self.place(path).0 }
    }

    /// Where in the main tree a path of this kustomization is.
    pub(crate) fn inside(&self, path: &str) -> Option<String> {
        if self.repository.is_some() || is_web_address(path) { None } else { self.place(path).0 }
    }

    /// As `load`, for a file whose objects are the only thing that is taken from it.
    pub(crate) fn load_objects(&self, path: &str) -> Result<Bytes> {
        self.load_found(path, None)
    }

    /// As `load_objects`; what was found and read before is not looked for again.
    pub(crate) fn load_found(&self, path: &str, early: Option<(Found, Content)>) -> Result<Bytes> {
        if is_web_address(path) {
            self.shared.is_indirect.set(true);
            return self.load_web(path);
        }
        let (place, shown) = self.place(path);
        let Some(place) = place else {
            return Err(self.outside("read", &shown));
        };
        let (found, content) = early.unwrap_or_else(|| (self.resolve(&place), None));
        if self.shared.restricted || self.repository.is_some() {
            self.check_restriction(&place, &shown, &found)?;
        }
        self.read(&place, &shown, found, content)
    }

    fn resolve(&self, place: &str) -> Found {
        resolve(self.tree(), &self.root, place)
    }

    fn check_restriction(&self, place: &str, shown: &str, found: &Found) -> Result<()> {
        match found {
            Ok((_, EntryKind::Folder)) => Err(Error::new(format!("'{shown}' must resolve to a file"))),
            Ok((real, EntryKind::File)) => {
                let folder = real.rsplit_once('/').map_or("", |(folder, _)| folder);
                if is_below(folder, &self.root) {
                    return Ok(());
                }
                Err(Error::of(
                    ErrorKind::Refused,
                    format!("security; file '{shown}' is not in or below '{}'", self.shown()),
                ))
            }
            Err(error) => Err(self.link_failure(place, shown, error)),
        }
    }

    fn read(&self, place: &str, shown: &str, found: Found, content: Content) -> Result<Bytes> {
        let content = found.and_then(|(real, kind)| match kind {
            EntryKind::Folder => Err(ReadError::IsFolder(place.to_owned())),
            EntryKind::File => {
                content.unwrap_or_else(|| self.tree().read_real(&real)).map(|content| (real, content))
            }
        });
        match content {
            Ok((real, content)) => {
                self.shared.budget.charge_bytes(content.len() as u64)?;
                if self.repository.is_none() {
                    let mut reads = self.shared.reads.borrow_mut();
                    if real != place {
                        self.shared.is_indirect.set(true);
                        reads.files.insert(place.to_owned());
                    }
                    reads.files.insert(real);
                }
                Ok(content)
            }
            Err(error) => Err(match error {
                ReadError::NotFound(_) => {
                    self.note_missing(&self.first_missing(place));
                    Error::new(format!("open {shown}: no such file or directory"))
                }
                ReadError::NotFolder(_) => Error::new(format!("open {shown}: not a directory")),
                ReadError::IsFolder(_) => Error::new(format!("read {shown}: is a directory")),
                ReadError::Escapes(_) => self.outside("read", shown),
                other => Error::new(format!("open {shown}: {other}")),
            }),
        }
    }

    /// The bytes of a kustomization file beside us, or nothing where there is none.
    pub(crate) fn load_optional(&self, name: &str) -> Option<Result<Bytes>> {
        let place = join(&self.root, name);
        match self.resolve(&place) {
            Ok((_, EntryKind::File)) => self.load(name).map(Some).transpose(),
            Ok((_, EntryKind::Folder)) => None,
            Err(_) => {
                self.note_missing(&place);
                None
            }
        }
    }

    fn load_web(&self, address: &str) -> Result<Bytes> {
        if !self.shared.remote_allowed {
            return Err(Error::of(ErrorKind::Refused, format!("remote file '{address}' is not allowed")));
        }
        match self.shared.answers.files.get(address) {
            Some(Ok(content)) => {
                self.shared.budget.charge_bytes(content.len() as u64)?;
                Ok(content.clone())
            }
            Some(Err(text)) if RepoSpec::parse(address).is_some() => {
                Err(Error::new(if text.starts_with("HTTP Error") { "URL is a git repository" } else { text }))
            }
            Some(Err(text)) if text.starts_with("HTTP Error") => {
                Err(Error::of(ErrorKind::Http, text.clone()))
            }
            Some(Err(text)) => Err(Error::new(text.clone())),
            None => Err(self.ask(Ask::File(address.to_owned()))),
        }
    }

    fn ask(&self, ask: Ask) -> Error {
        let error = Error::of(ErrorKind::Ask, "an answer is needed");
        self.shared.asks.borrow_mut().insert(ask);
        error
    }

    /// Asks for every remote thing in a list at once, so that rounds stay few.
    pub(crate) fn ask_ahead(&self, paths: &[String]) {
        for path in paths.iter().filter(|_| self.shared.remote_allowed) {
            let answers = self.shared.answers;
            if is_web_address(path) {
                match answers.files.get(path) {
                    None => {
                        self.ask(Ask::File(path.clone()));
                        continue;
                    }
                    Some(Ok(_)) => continue,
                    Some(Err(_)) => {}
                }
            }
            if let Some(spec) = RepoSpec::parse(path)
                && !answers.repositories.contains_key(path)
            {
                self.ask(Ask::Repository(spec));
            }
        }
    }

    /// The loader of a folder or repository named in this kustomization.
    pub(crate) fn enter(self: &Rc<Self>, path: &str) -> Result<Rc<Loader<'a>>> {
        if path.is_empty() {
            return Err(Error::new("new root cannot be empty"));
        }
        if let Some(spec) = RepoSpec::parse(path) {
            return self.enter_repository(spec);
        }
        if path.starts_with('/') {
            return Err(Error::new(format!("new root '{path}' cannot be absolute")));
        }
        let (place, shown) = self.place(path);
        let root = match place {
            Some(place) => self.confirm_folder(&place, &shown),
            None => Err(self.outside("abs", &shown)),
        }
        .map_err(|error| error.within("must build at directory"))?;
        let mut visited = Some(self);
        while let Some(loader) = visited {
            let same_tree = loader.repository.as_ref().map(|repository| &repository.spec)
                == self.repository.as_ref().map(|repository| &repository.spec);
            if same_tree && is_below(&loader.root, &root) {
                return Err(Error::new(format!(
                    "cycle detected: candidate root '{}' contains visited root '{}'",
                    self.show(&root),
                    loader.shown()
                )));
            }
            visited = loader.referrer.as_ref();
        }
        Ok(Rc::new(Loader {
            shared: Rc::clone(&self.shared),
            root,
            repository: self.repository.clone(),
            referrer: Some(Rc::clone(self)),
        }))
    }

    fn enter_repository(self: &Rc<Self>, spec: RepoSpec) -> Result<Rc<Loader<'a>>> {
        let mut visited = Some(self);
        while let Some(loader) = visited {
            if let Some(repository) = &loader.repository
                && repository.spec.raw.starts_with(&spec.raw)
            {
                return Err(Error::new(format!(
                    "cycle detected: URI '{}' referenced by previous URI '{}'",
                    spec.raw, repository.spec.raw
                )));
            }
            visited = loader.referrer.as_ref();
        }
        if !self.shared.remote_allowed {
            return Err(Error::of(ErrorKind::Refused, format!("remote base '{}' is not allowed", spec.raw)));
        }
        let tree = match self.shared.answers.repositories.get(&spec.raw) {
            Some(Ok(tree)) => Arc::clone(tree),
            Some(Err(text)) => return Err(Error::new(text.clone())),
            None => return Err(self.ask(Ask::Repository(spec))),
        };
        self.shared.is_indirect.set(true);
        let root_path = spec.root_path.clone();
        let mut loader = Loader {
            shared: Rc::clone(&self.shared),
            root: String::new(),
            repository: Some(Rc::new(Repository { spec, tree })),
            referrer: Some(Rc::clone(self)),
        };
        let shown = loader.show(&root_path);
        loader.root = loader.confirm_folder(&root_path, &shown)?;
        Ok(Rc::new(loader))
    }
}

/// True when `path` is `folder` or lies below it.
fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
