//! A folder as a Git repository: the work tree as one commit, and whatever else its `.git` has.
//!
//! A work tree that is as its branch says has that branch's commit; any other has a commit of its own, made here, whose
//! subject says that it is local. Nothing is ever written to the folder.

mod files;
mod index;
mod object;
mod odb;
mod pack;
mod refs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub use object::Id;
pub use pack::pack;
pub use refs::{normalise, remotes};

use files::Mode;
use object::{Object, Sort};

/// Files larger than this stay out, as they do in no manifest.
const LARGEST: u64 = 16 << 20;
/// All files together.
const LARGEST_ALL: u64 = 1 << 30;
/// The branch of a folder without Git.
const BRANCH: &str = "main";
/// The subject of a commit that no branch has.
const LOCAL: &str = "local changes";

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("{path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("the folder has more than {0} bytes of files")]
    TooLarge(u64),
    #[error("{0}: more than {max} ignore patterns", max = sluice_tree::ignore::MOST_PATTERNS)]
    Patterns(String),
    #[error("{0}")]
    Broken(String),
}

/// A folder that is looked at again and again; files that have not changed are not read again.
pub struct Repository {
    root: PathBuf,
    git: Option<refs::GitFolder>,
    seen: BTreeMap<String, Seen>,
    /// Other repositories that are mounted here, as the index has them.
    modules: BTreeMap<String, Id>,
    /// The objects of the last snapshot.
    last: Arc<BTreeMap<Id, Arc<Object>>>,
    walked: Vec<PathBuf>,
}

/// A file as it was when it was last read.
struct Seen {
    stamp: Stamp,
    mode: Mode,
    blob: Arc<Object>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    changed: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// The folder at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The branch that is checked out.
    pub branch: String,
    pub commit: Id,
    /// Whether the work tree is as the branch says.
    pub is_clean: bool,
    /// Branches and tags with their commits or tag objects.
    pub refs: BTreeMap<String, Id>,
    /// Whether there is no Git: then every branch that is asked for is this tree.
    pub is_plain: bool,
    objects: Arc<BTreeMap<Id, Arc<Object>>>,
    git: Option<refs::GitFolder>,
    /// How many files there are, and how many went since the last time.
    pub files: usize,
    pub gone: usize,
}

impl Repository {
    pub fn open(root: &Path) -> Result<Self, RepositoryError> {
        let git = refs::GitFolder::open(root);
        Ok(Self {
            root: root.to_owned(),
            git,
            seen: BTreeMap::new(),
            modules: BTreeMap::new(),
            last: Arc::default(),
            walked: Vec::new(),
        })
    }

    /// Whether git is at work here just now.
    pub fn is_locked(&self) -> bool {
        self.git.as_ref().is_some_and(|git| git.folder.join("index.lock").exists())
    }

    /// The folders whose changes matter, Git's own among them.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders = self.walked.clone();
        if let Some(git) = &self.git {
            folders.push(git.folder.clone());
            folders.push(git.common.join("refs/heads"));
        }
        folders
    }

    /// The paths of the last snapshot.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.seen.keys().map(String::as_str)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the folder as it is now.
    pub fn snapshot(&mut self) -> Result<Snapshot, RepositoryError> {
        let tracked = match &self.git {
            Some(git) => index::read(&git.folder.join("index")),
            None => BTreeMap::new(),
        };
        let listed = files::list(&self.root, self.git.as_ref(), &tracked)?;
        let mut seen = BTreeMap::new();
        let mut all = 0;
        self.walked = listed.folders;
        for (path, mode) in &listed.files {
            let Some(one) = self.read(path, *mode)? else { continue };
            all += one.stamp.size;
            if all > LARGEST_ALL {
                return Err(RepositoryError::TooLarge(LARGEST_ALL));
            }
            seen.insert(path.clone(), one);
        }
        let gone = self.seen.keys().filter(|path| !seen.contains_key(*path)).count();
        self.seen = seen;
        let modules = tracked.into_iter().filter(|(_, entry)| entry.is_module());
        self.modules = modules.map(|(path, entry)| (path, entry.id)).collect();
        Ok(self.commit(gone))
    }

    /// The folder where nothing but these paths can have changed since the last time. `None`: it has to be looked at as a
    /// whole, as where files came or went.
    pub fn look_at(&mut self, paths: &BTreeSet<PathBuf>) -> Result<Option<Snapshot>, RepositoryError> {
        let mut read = Vec::new();
        for full in paths {
            let is_rule = full.file_name().is_none_or(|name| name == ".gitignore");
            let inside = full.strip_prefix(&self.root).ok().and_then(Path::to_str);
            let Some(path) = inside.filter(|_| !is_rule && !self.is_of_git(full)) else { return Ok(None) };
            let mode = full.symlink_metadata().ok().map(|metadata| Mode::of(&metadata));
            match (self.seen.get(path), mode) {
                // It came and went.
                (None, None) => {}
                (Some(known), Some(mode)) if mode == Some(known.mode) => {
                    let Some(one) = self.read(path, known.mode)? else { return Ok(None) };
                    read.push((path.to_owned(), one));
                }
                _ => return Ok(None),
            }
        }
        self.seen.extend(read);
        if self.seen.values().map(|one| one.stamp.size).sum::<u64>() > LARGEST_ALL {
            return Err(RepositoryError::TooLarge(LARGEST_ALL));
        }
        Ok(Some(self.commit(0)))
    }

    fn is_of_git(&self, path: &Path) -> bool {
        self.git.as_ref().is_some_and(|git| path.starts_with(&git.folder) || path.starts_with(&git.common))
    }

    /// What has been read, as a commit.
    fn commit(&mut self, gone: usize) -> Snapshot {
        let mut objects = BTreeMap::new();
        let tree = self.trees(&mut objects);
        let (head, refs) = match &self.git {
            Some(git) => (git.head(), git.refs()),
            None => (refs::Head { branch: BRANCH.to_owned(), commit: None }, BTreeMap::new()),
        };
        let known = head.commit.and_then(|id| Some((id, self.git.as_ref()?.object(&id)?)));
        let clean = known.as_ref().filter(|(_, object)| object.tree() == Some(tree));
        let (commit, is_clean) = match clean {
            Some((id, object)) => {
                objects.insert(*id, Arc::new(object.clone()));
                (*id, true)
            }
            None => {
                let made = Object::commit(tree, known.as_ref().and_then(|(_, object)| object.time()), LOCAL);
                let id = made.id();
                objects.insert(id, Arc::new(made));
                (id, false)
            }
        };
        self.last = Arc::new(objects);
        let mut refs = refs;
        refs.insert(format!("refs/heads/{}", head.branch), commit);
        Snapshot {
            branch: head.branch,
            commit,
            is_clean,
            refs,
            is_plain: self.git.is_none(),
            objects: Arc::clone(&self.last),
            git: self.git.clone(),
            files: self.seen.len(),
            gone,
        }
    }

    fn read(&self, path: &str, mode: Mode) -> Result<Option<Seen>, RepositoryError> {
        let full = self.root.join(path);
        let failed = |source| RepositoryError::Read { path: full.display().to_string(), source };
        let metadata = match full.symlink_metadata() {
            Ok(metadata) => metadata,
            // Gone between the listing and now.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let stamp = files::stamp(&metadata);
        if let Some(known) = self.seen.get(path)
            && known.stamp == stamp
            && known.mode == mode
        {
            return Ok(Some(Seen { stamp, mode, blob: Arc::clone(&known.blob) }));
        }
        if metadata.len() > LARGEST {
            return Ok(None);
        }
        let bytes = if mode == Mode::Link {
            std::fs::read_link(&full).map(|target| target.into_os_string().into_encoded_bytes())
        } else {
            std::fs::read(&full)
        };
        match bytes {
            Ok(bytes) => Ok(Some(Seen { stamp, mode, blob: Arc::new(Object::new(Sort::Blob, &bytes)) })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes the trees of all folders; gives the root's.
    fn trees(&self, objects: &mut BTreeMap<Id, Arc<Object>>) -> Id {
        let mut entries: Vec<(&str, Mode, Id)> = Vec::new();
        for (path, one) in &self.seen {
            let id = one.blob.id();
            objects.insert(id, Arc::clone(&one.blob));
            entries.push((path, one.mode, id));
        }
        entries.extend(self.modules.iter().map(|(path, id)| (path.as_str(), Mode::Module, *id)));
        entries.sort_by(|a, b| a.0.cmp(b.0));
        object::tree(&entries, 0, &self.last, objects)
    }
}

impl Snapshot {
    /// What an annotated tag stands for.
    pub fn peeled(&self, id: &Id) -> Option<Id> {
        self.git.as_ref()?.object(id)?.tagged()
    }

    /// Everything that a commit needs, without its history; `None` where the object is not known.
    pub fn objects_of(&self, id: &Id) -> Option<Vec<Arc<Object>>> {
        let mut found = BTreeMap::new();
        let mut wanted = vec![*id];
        let mut is_first = true;
        while let Some(id) = wanted.pop() {
            if found.contains_key(&id) {
                continue;
            }
            let object = match self.objects.get(&id) {
                Some(object) => Arc::clone(object),
                None => Arc::new(self.git.as_ref()?.object(&id)?),
            };
            wanted.extend(object.needs(is_first)?);
            is_first = false;
            found.insert(id, object);
        }
        Some(found.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_folder_without_git_is_a_tree_that_git_would_make() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.txt", "hello\n");
        write(folder.path(), "b/c.txt", "x");
        write(folder.path(), ".gitignore", "*.log\n");
        write(folder.path(), "b/d.log", "no");
        let mut repository = Repository::open(folder.path()).unwrap();
        let first = repository.snapshot().unwrap();
        assert_eq!((first.files, first.is_clean, first.branch.as_str()), (3, false, "main"));
        let objects = first.objects_of(&first.commit).unwrap();
        // `git hash-object` of the same text.
        let hello = objects.iter().any(|o| o.id().to_string() == "ce013625030ba8dba906f756967f9e9ca394464a");
        assert!(hello && objects.len() == 6, "{} objects", objects.len());
        assert_eq!(repository.snapshot().unwrap().commit, first.commit, "the same tree is the same commit");
        std::fs::remove_file(folder.path().join("a.txt")).unwrap();
        let second = repository.snapshot().unwrap();
        assert_eq!((second.gone, second.files), (1, 2));
        assert_ne!(second.commit, first.commit);
    }

    #[test]
    fn a_look_at_what_has_changed_is_a_look_at_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.txt", "a-b/c.txt", "a/b/c.txt", "a.b/c.txt", "b.txt"] {
            write(folder.path(), path, path);
        }
        let mut repository = Repository::open(folder.path()).unwrap();
        let first = repository.snapshot().unwrap();
        let look = |repository: &mut Repository, paths: &[&str]| {
            let paths = paths.iter().map(|path| folder.path().join(path)).collect();
            repository.look_at(&paths).unwrap()
        };
        assert_eq!(look(&mut repository, &[]).unwrap().commit, first.commit);
        write(folder.path(), "a/b/c.txt", "other");
        let second = look(&mut repository, &["a/b/c.txt", "a/b/.c.txt.unfinished"]).unwrap();
        assert_ne!(second.commit, first.commit);
        let mut whole = Repository::open(folder.path()).unwrap();
        let again = whole.snapshot().unwrap();
        assert_eq!((again.commit, again.files), (second.commit, second.files));
        assert_eq!(
            second.objects_of(&second.commit).unwrap().len(),
            again.objects_of(&again.commit).unwrap().len()
        );
        // What came, went or decides about others needs the whole.
        write(folder.path(), "new.txt", "");
        write(folder.path(), ".gitignore", "");
        std::fs::remove_file(folder.path().join("b.txt")).unwrap();
        for path in ["new.txt", ".gitignore", "b.txt", "a/b"] {
            assert!(look(&mut repository, &[path]).is_none(), "{path}");
        }
    }
}
