//! The folder of artifacts: `<kind>/<namespace>/<name>/<file>`. Written beside, then renamed; locked while written;
//! cleaned by age and count.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sluice_api::meta::Artifact;
use sluice_tree::digest::{Digest, Hasher, ParseError};
use sluice_tree::layout::is_clean;

use crate::disk::{Disk, RealDisk};

/// Files that one cleaning looks at.
const MOST_FILES: usize = 1000;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("invalid dir path: {0}")]
    Root(String),
    #[error("'{0}' is no path of an artifact")]
    Path(String),
    #[error("artifact has no digest")]
    NoDigest,
    #[error("failed to parse artifact digest '{digest}'")]
    Digest { digest: String, source: ParseError },
    #[error("computed digest doesn't match '{0}'")]
    Mismatch(Digest),
    #[error("make the folder of '{path}'")]
    Folder { path: String, source: io::Error },
    #[error("lock '{path}'")]
    Lock { path: String, source: io::Error },
    #[error("read '{path}'")]
    Read { path: String, source: io::Error },
    #[error("write '{path}'")]
    Write { path: String, source: io::Error },
    #[error("remove '{path}'")]
    Remove { path: String, source: io::Error },
}

/// Which older artifacts are kept beside the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub ttl: Duration,
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl: Duration::from_mins(1), records: 2 }
    }
}

/// Whose artifacts lie in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub kind: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
}

impl Place<'_> {
    /// The folder, relative to the store.
    pub fn folder(&self) -> String {
        format!("{}/{}/{}", self.kind.to_lowercase(), self.namespace, self.name)
    }

    /// The path of a file in it.
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.folder())
    }
}

/// A folder of artifacts and the address under which it is served.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    address: String,
    retention: Retention,
    disk: Arc<dyn Disk>,
    /// Makes names of unfinished files differ within the process.
    next: Arc<AtomicU64>,
}

impl Store {
    /// The folder must exist.
    pub fn open(root: &Path, address: &str, retention: Retention) -> Result<Self, StoreError> {
        Self::on(Arc::new(RealDisk), root, address, retention)
    }

    /// The same with another way of changing files.
    pub fn on(
        disk: Arc<dyn Disk>,
        root: &Path,
        address: &str,
        retention: Retention,
    ) -> Result<Self, StoreError> {
        if !root.is_dir() {
            return Err(StoreError::Root(root.display().to_string()));
        }
        let (root, address) = (root.to_owned(), address.to_owned());
        Ok(Self { root, address, retention, disk, next: Arc::default() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path is served.
    pub fn url(&self, path: &str) -> String {
        let path = path.trim_start_matches('/');
        if self.address.starts_with("http://") || self.address.starts_with("https://") {
            format!("{}/{path}", self.address)
        } else {
            format!("http://{}/{path}", self.address)
        }
    }

    /// Whether an artifact is there, as a plain file.
    pub fn has(&self, path: &str) -> bool {
        self.local(path).is_ok_and(|local| fs::symlink_metadata(local).is_ok_and(|found| found.is_file()))
    }

    /// Whether an artifact's bytes have the digest that its record says.
    pub fn verify(&self, artifact: &Artifact) -> Result<(), StoreError> {
        if artifact.digest.is_empty() {
            return Err(StoreError::NoDigest);
        }
        let want: Digest = artifact
            .digest
            .parse()
            .map_err(|source| StoreError::Digest { digest: artifact.digest.clone(), source })?;
        let failed = |source| StoreError::Read { path: artifact.path.clone(), source };
        let mut file = File::open(self.local(&artifact.path)?).map_err(failed)?;
        let mut hasher = Hasher::new(want.algorithm());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        if hasher.finish() == want { Ok(()) } else { Err(StoreError::Mismatch(want)) }
    }

    /// Opens an artifact to read it.
    pub fn read(&self, path: &str) -> Result<File, StoreError> {
        let failed = |source| StoreError::Read { path: path.to_owned(), source };
        File::open(self.local(path)?).map_err(failed)
    }

    /// Writes an artifact: `fill` writes it beside its place, then it takes its place. When `fill` fails nothing is left.
    pub fn write<T, E>(
        &self,
        path: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<T, E>,
    ) -> Result<Result<T, E>, StoreError> {
        let local = self.local(path)?;
        let folder = local.parent().ok_or_else(|| StoreError::Path(path.to_owned()))?.to_owned();
        self.disk
            .make_folders(&folder)
            .map_err(|source| StoreError::Folder { path: path.to_owned(), source })?;
        let _lock = self.lock(path, &local)?;
        let failed = |source| StoreError::Write { path: path.to_owned(), source };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = folder.join(format!(".unfinished-{}-{number}", std::process::id()));
        let file = match self.disk.create(&unfinished) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Left by a process that had our number before.
                self.disk.remove_file(&unfinished).map_err(failed)?;
                self.disk.create(&unfinished).map_err(failed)?
            }
            created => created.map_err(failed)?,
        };
        let mut writer = io::BufWriter::with_capacity(64 * 1024, file);
        let filled = fill(&mut writer);
        let finished = match &filled {
            Ok(_) => writer.flush().and_then(|()| self.disk.rename(&unfinished, &local)),
            Err(_) => Ok(()),
        };
        drop(writer);
        if filled.is_err() || finished.is_err() {
            // Cleaning takes it later should this fail.
            let _ = self.disk.remove_file(&unfinished);
        }
        finished.map_err(failed)?;
        Ok(filled)
    }

    /// Removes one artifact.
    pub fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.disk
            .remove_file(&self.local(path)?)
            .map_err(|source| StoreError::Remove { path: path.to_owned(), source })
    }

    /// Removes everything of an object. Says whether there was anything.
    pub fn remove_all(&self, place: Place<'_>) -> Result<bool, StoreError> {
        let path = place.folder();
        match self.disk.remove_folder(&self.local(&path)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::Remove { path, source }),
        }
    }

    /// Removes what is older than the time to live and what is beyond the count; never the current artifact. Says how many.
    pub fn collect(&self, current: &str, now: SystemTime) -> Result<usize, StoreError> {
        let local = self.local(current)?;
        let folder = local.parent().ok_or_else(|| StoreError::Path(current.to_owned()))?;
        let failed = |source| StoreError::Read { path: current.to_owned(), source };
        let listed = match fs::read_dir(folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(failed(error)),
        };
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in listed {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let is_lock = path.extension().is_some_and(|end| end == "lock");
            let found = entry.metadata().map_err(failed)?;
            if found.is_file() && !is_lock {
                files.push((found.modified().map_err(failed)?, path));
            }
            if files.len() >= MOST_FILES {
                break;
            }
        }
        let mut removed = 0;
        for path in self.garbage(files, &local, now) {
            let failed = |source| StoreError::Remove { path: path.display().to_string(), source };
            self.disk.remove_file(&path).map_err(failed)?;
            removed += 1;
            let lock = lock_of(&path);
            match self.disk.remove_file(&lock) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(removed)
    }

    /// What is to go, oldest first.
    fn garbage(
        &self,
        mut files: Vec<(SystemTime, PathBuf)>,
        current: &Path,
        now: SystemTime,
    ) -> Vec<PathBuf> {
        files.sort();
        let mut kept = files.len();
        let is_old = |made: SystemTime| now.duration_since(made).is_ok_and(|age| age > self.retention.ttl);
        let mut gone = Vec::new();
        let mut young = Vec::new();
        for (made, path) in files {
            if path == current {
                continue;
            }
            if is_old(made) {
                kept -= 1;
                gone.push(path);
            } else {
                young.push(path);
            }
        }
        for path in young {
            if kept <= self.retention.records {
                break;
            }
            kept -= 1;
            gone.push(path);
        }
        gone
    }

    fn lock(&self, path: &str, local: &Path) -> Result<File, StoreError> {
        let failed = |source| StoreError::Lock { path: path.to_owned(), source };
        let at = lock_of(local);
        let file = match self.disk.create(&at) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::OpenOptions::new().read(true).write(true).open(&at).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn local(&self, path: &str) -> Result<PathBuf, StoreError> {
        if is_clean(path) { Ok(self.root.join(path)) } else { Err(StoreError::Path(path.to_owned())) }
    }
}

fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// The address that consumers are told: as given, else made of what the server listens on.
pub fn advertised_address(given: &str, listens_on: &str, host_name: &str) -> String {
    if !given.is_empty() {
        return given.to_owned();
    }
    let (host, port) = listens_on.rsplit_once(':').unwrap_or((listens_on, ""));
    let host = match host.trim_matches(['[', ']']) {
        "" => "localhost",
        "0.0.0.0" | "::" => host_name,
        _ => host,
    };
    if port.is_empty() { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use sluice_tree::Algorithm;

    use super::*;

    const PLACE: Place<'static> = Place { kind: "GitRepository", namespace: "ns", name: "app" };

    fn store(records: usize) -> (Store, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        let retention = Retention { ttl: Duration::from_mins(1), records };
        (Store::open(home.path(), "host:9090", retention).unwrap(), home)
    }

    fn write(store: &Store, path: &str, text: &str) {
        store.write(path, |out| out.write_all(text.as_bytes())).unwrap().unwrap();
    }

    fn artifact(path: &str, text: &str) -> Artifact {
        let digest = Digest::of(Algorithm::Sha256, text.as_bytes()).to_string();
        Artifact { path: path.to_owned(), digest, ..Artifact::default() }
    }

    #[test]
    fn an_artifact_is_written_checked_and_found_damaged() {
        let (store, home) = store(2);
        let path = PLACE.path("abc.tar.gz");
        assert_eq!(path, "gitrepository/ns/app/abc.tar.gz");
        assert_eq!(store.url(&path), "http://host:9090/gitrepository/ns/app/abc.tar.gz");
        assert!(!store.has(&path));
        write(&store, &path, "hello");
        assert!(store.has(&path));
        store.verify(&artifact(&path, "hello")).unwrap();
        let error = store.verify(&artifact(&path, "other")).unwrap_err().to_string();
        assert!(error.starts_with("computed digest doesn't match 'sha256:"), "{error}");
        assert!(matches!(store.verify(&Artifact::default()), Err(StoreError::NoDigest)));
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.path().join(&path)), 0o600);
        assert_eq!(mode(&home.path().join("gitrepository/ns")), 0o700);
        assert!(store.remove_all(PLACE).unwrap());
        assert!(!store.remove_all(PLACE).unwrap());
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let (store, home) = store(2);
        let path = PLACE.path("abc.tar.gz");
        write(&store, &path, "first");
        let result = store.write(&path, |out| {
            out.write_all(b"half").unwrap();
            Err::<(), _>("no more")
        });
        assert_eq!(result.unwrap(), Err("no more"));
        assert_eq!(fs::read(home.path().join(&path)).unwrap(), b"first");
        let names: Vec<_> = fs::read_dir(home.path().join(PLACE.folder())).unwrap().collect();
        assert_eq!(names.len(), 2, "the artifact and its lock: {names:?}");
    }

    #[test]
    fn paths_cannot_leave_the_store() {
        let (store, _home) = store(2);
        for path in ["../x", "/etc/passwd", "a/../../x", ""] {
            assert!(!store.has(path));
            assert!(matches!(store.remove(path), Err(StoreError::Path(_))), "{path}");
        }
    }

    #[test]
    fn cleaning_keeps_the_current_artifact_and_the_count() {
        let (store, home) = store(2);
        let folder = home.path().join(PLACE.folder());
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let write_at = |name: &str, age: u64| {
            write(&store, &PLACE.path(name), name);
            let file = File::open(folder.join(name)).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        };
        write_at("old", 500);
        write_at("older-but-current", 900);
        write_at("a", 30);
        write_at("b", 20);
        write_at("c", 10);
        assert_eq!(store.collect(&PLACE.path("older-but-current"), now).unwrap(), 3);
        let mut left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["c", "c.lock", "older-but-current", "older-but-current.lock"]);
        assert_eq!(store.collect(&PLACE.path("older-but-current"), now).unwrap(), 0);
        assert_eq!(store.collect("gitrepository/ns/absent/x", now).unwrap(), 0);
    }

    /// Stops before the n-th change.
    #[derive(Debug)]
    struct Dying(AtomicU64);

    impl Dying {
        fn step(&self) -> io::Result<()> {
            let left = self.0.load(Ordering::Relaxed);
            if left == 0 {
                return Err(io::Error::other("killed"));
            }
            self.0.store(left - 1, Ordering::Relaxed);
            Ok(())
        }
    }

    impl Disk for Dying {
        fn make_folders(&self, path: &Path) -> io::Result<()> {
            self.step().and_then(|()| RealDisk.make_folders(path))
        }
        fn create(&self, path: &Path) -> io::Result<File> {
            self.step().and_then(|()| RealDisk.create(path))
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.step().and_then(|()| RealDisk.rename(from, to))
        }
        fn remove_file(&self, path: &Path) -> io::Result<()> {
            self.step().and_then(|()| RealDisk.remove_file(path))
        }
        fn remove_folder(&self, path: &Path) -> io::Result<()> {
            self.step().and_then(|()| RealDisk.remove_folder(path))
        }
    }

    #[test]
    fn a_kill_at_any_change_leaves_the_old_or_the_new_artifact() {
        for steps in 0..6 {
            let (store, home) = store(2);
            let path = PLACE.path("abc.tar.gz");
            write(&store, &path, "old");
            let disk = Arc::new(Dying(AtomicU64::new(steps)));
            let dying = Store::on(disk, home.path(), "host", Retention::default()).unwrap();
            let result = dying.write(&path, |out| out.write_all(b"new"));
            let text = fs::read(home.path().join(&path)).unwrap();
            assert_eq!(text == b"new", result.is_ok(), "{steps}");
            assert!(text == b"new" || text == b"old");
            // The next process writes as if nothing had been.
            write(&store, &path, "newer");
            assert_eq!(fs::read(home.path().join(&path)).unwrap(), b"newer");
        }
    }

    #[test]
    fn the_address_is_made_of_what_is_listened_on() {
        for (given, on, want) in [
            ("source-controller.flux-system.svc", ":9090", "source-controller.flux-system.svc"),
            ("", ":9090", "localhost:9090"),
            ("", "0.0.0.0:9090", "pod:9090"),
            ("", "127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(advertised_address(given, on, "pod"), want);
        }
    }
}
