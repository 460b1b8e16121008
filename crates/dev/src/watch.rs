//! Tells when a folder has changed and is quiet again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::repository::{Repository, RepositoryError, Snapshot};

/// A change is taken when nothing has happened for so long.
pub const QUIET: Duration = Duration::from_millis(20);
/// One that takes away much waits longer: most likely the rest is still to come.
const QUIET_DELETING: Duration = Duration::from_millis(200);
/// So many files gone at once are much.
const MANY: usize = 10;
/// More files than this are not looked at one by one.
const FEW: usize = 64;

/// What may have changed.
enum Touched {
    Files(BTreeSet<PathBuf>),
    Anything,
}

impl Touched {
    fn nothing() -> Self {
        Self::Files(BTreeSet::new())
    }

    fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Files(files), Self::Files(more)) if files.len() + more.len() <= FEW => files.extend(more),
            _ => *self = Self::Anything,
        }
    }
}

/// A repository that is watched.
pub struct Watched {
    repository: Repository,
    events: events::Events,
    folders: Vec<PathBuf>,
    last: crate::repository::Id,
    /// When something happened last that no snapshot has taken in. It outlives a wait that is given up.
    touched: Option<Instant>,
    /// What it was.
    what: Touched,
    /// How long it has to be quiet then.
    quiet: Duration,
}

impl Watched {
    /// Begins to watch; the first snapshot comes along.
    pub fn begin(mut repository: Repository) -> Result<(Self, Snapshot), RepositoryError> {
        let mut events = events::Events::new().map_err(broken)?;
        let first = repository.snapshot()?;
        let folders = repository.folders();
        events.add(&folders);
        let last = first.commit;
        let what = Touched::nothing();
        Ok((Self { repository, events, folders, last, touched: None, what, quiet: QUIET }, first))
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The next state of the folder that is not as the last one. Also tells when the quiet time was over. A wait that is
    /// given up loses nothing: the next one goes on with it.
    pub async fn changed(&mut self) -> Result<(Snapshot, Instant), RepositoryError> {
        loop {
            if self.touched.is_none() {
                self.happen().await?;
            }
            self.settle().await?;
            // Until it has been looked at, anything may have changed.
            if let Touched::Files(files) = std::mem::replace(&mut self.what, Touched::Anything)
                && let Some(snapshot) = tokio::task::block_in_place(|| self.repository.look_at(&files))?
            {
                (self.touched, self.what) = (None, Touched::nothing());
                if snapshot.commit == self.last {
                    continue;
                }
                self.last = snapshot.commit;
                return Ok((snapshot, Instant::now()));
            }
            let mut snapshot = tokio::task::block_in_place(|| self.repository.snapshot())?;
            if snapshot.gone >= MANY && snapshot.gone * 2 > snapshot.files {
                self.quiet = QUIET_DELETING;
                self.settle().await?;
                snapshot = tokio::task::block_in_place(|| self.repository.snapshot())?;
            }
            (self.touched, self.what, self.quiet) = (None, Touched::nothing(), QUIET);
            let taken = Instant::now();
            let folders = self.repository.folders();
            self.events.add(&folders);
            if folders != self.folders {
                // What came into a new folder before it was watched is seen now.
                self.folders = folders;
                snapshot = tokio::task::block_in_place(|| self.repository.snapshot())?;
            }
            if snapshot.commit != self.last {
                self.last = snapshot.commit;
                return Ok((snapshot, taken));
            }
        }
    }

    /// Until something happens.
    async fn happen(&mut self) -> Result<(), RepositoryError> {
        let what = self.events.wait().await.map_err(broken)?;
        self.what.add(what);
        self.touched = Some(Instant::now());
        Ok(())
    }

    /// Until nothing has happened for a time, and git is not in the middle of something.
    async fn settle(&mut self) -> Result<(), RepositoryError> {
        loop {
            let until = self.touched.unwrap_or_else(Instant::now) + self.quiet;
            match tokio::time::timeout_at(until, self.happen()).await {
                Ok(happened) => happened?,
                // Git takes its lock away at the end, which is an event.
                Err(_) if self.repository.is_locked() => self.happen().await?,
                Err(_) => return Ok(()),
            }
        }
    }
}

fn broken(error: std::io::Error) -> RepositoryError {
    RepositoryError::Broken(format!("watching the folder: {error}"))
}

/// The kernel tells.
#[cfg(target_os = "linux")]
mod events {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;

    use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, WatchFlags};
    use tokio::io::unix::AsyncFd;

    use super::{BTreeSet, PathBuf, Touched};

    pub struct Events {
        queue: AsyncFd<OwnedFd>,
        /// The folder of each watch; none where two are one.
        folders: BTreeMap<i32, Option<PathBuf>>,
    }

    impl Events {
        #[expect(deprecated, reason = "an owned descriptor stays what it is; the successor is unsafe")]
        pub fn new() -> std::io::Result<Self> {
            let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            Ok(Self { queue: AsyncFd::new(descriptor)?, folders: BTreeMap::new() })
        }

        /// Folders that are watched already stay so; those that are gone are of no interest.
        pub fn add(&mut self, folders: &[PathBuf]) {
            let what = WatchFlags::CLOSE_WRITE
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::ATTRIB
                | WatchFlags::ONLYDIR;
            self.folders.clear();
            for folder in folders {
                let Ok(watch) = inotify::add_watch(&self.queue, folder, what) else { continue };
                let place = self.folders.entry(watch).or_insert_with(|| Some(folder.clone()));
                if place.as_ref() != Some(folder) {
                    *place = None;
                }
            }
        }

        /// Something has happened; all that is known of it is taken at once.
        pub async fn wait(&self) -> std::io::Result<Touched> {
            loop {
                let mut ready = self.queue.readable().await?;
                let mut buffer = [MaybeUninit::uninit(); 8192];
                let mut reader = inotify::Reader::new(&self.queue, &mut buffer);
                let mut happened: Option<Touched> = None;
                loop {
                    match reader.next() {
                        Ok(event) => {
                            let what = self.touched(&event).map_or(Touched::Anything, Touched::Files);
                            happened.get_or_insert_with(Touched::nothing).add(what);
                        }
                        Err(rustix::io::Errno::AGAIN) => {
                            ready.clear_ready();
                            break;
                        }
                        Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                if let Some(touched) = happened {
                    return Ok(touched);
                }
            }
        }

        /// The file that an event is about; none where it is about more.
        fn touched(&self, event: &Event<'_>) -> Option<BTreeSet<PathBuf>> {
            let more = ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED | ReadFlags::ISDIR | ReadFlags::UNMOUNT;
            let name = event.file_name().filter(|_| !event.events().intersects(more))?;
            let folder = self.folders.get(&event.wd())?.as_ref()?;
            Some([folder.join(OsStr::from_bytes(name.to_bytes()))].into())
        }
    }
}

/// Elsewhere the folder is looked at twice a second.
#[cfg(not(target_os = "linux"))]
mod events {
    use super::{Duration, PathBuf, Touched};

    pub struct Events;

    impl Events {
        pub fn new() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub fn add(&mut self, _folders: &[PathBuf]) {}

        pub async fn wait(&self) -> std::io::Result<Touched> {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(Touched::Anything)
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wait_that_is_given_up_again_and_again_loses_no_change() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("a.yaml"), "a: 1\n").unwrap();
        let repository = Repository::open(home.path()).unwrap();
        let (mut watched, first) = Watched::begin(repository).unwrap();
        std::fs::write(home.path().join("a.yaml"), "a: 2\n").unwrap();
        let seen = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                // Shorter than the quiet time.
                if let Ok(changed) = tokio::time::timeout(QUIET / 10, watched.changed()).await {
                    return changed.unwrap().0;
                }
            }
        });
        assert_ne!(seen.await.unwrap().commit, first.commit);
    }
}
