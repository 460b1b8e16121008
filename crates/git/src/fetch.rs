//! The story of a fetch: ask the remote what it has, see whether that is new, get the commit, read its files, then its
//! submodules. Bounded by a deadline; what is heavy runs behind a permit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sluice_net::{Clients, Proxy, Url, is_same_origin};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::auth::{Auth, AuthError};
use crate::checkout::{Checkout, CheckoutError, Submodule, read_commit};
use crate::object::{Commit, Kind, ObjectId, Tag};
use crate::pack::{Limits, Pack, PackError, Spool};
use crate::reference::{Choice, ChooseError, Chosen, Reference, modern_revision, newest_tags, revision};
use crate::refs::Refs;
use crate::remote::{Depth, Remote, RemoteError};
use crate::ssh::Algorithms;
use crate::submodule;

const SUBMODULES_DEEP: usize = 10;
const MOST_SUBMODULES: usize = 200;
/// Tags of equal version of which the youngest is looked for.
const MOST_EQUAL_TAGS: usize = 50;

/// What is fetched.
#[derive(Debug, Clone)]
pub struct Request {
    /// As errors show it.
    pub url: String,
    /// Where it is really fetched from.
    pub from: Url,
    pub auth: Auth,
    pub proxy: Option<Proxy>,
    pub reference: Reference,
    pub sparse: Vec<String>,
    pub recurse_submodules: bool,
    /// The revision that is stored already, if that may end the fetch early.
    pub observed: Option<String>,
    pub timeout: Duration,
}

/// What all fetches of a process share.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pub clients: Clients,
    pub algorithms: Algorithms,
    pub limits: Limits,
    /// For the work on packs: inflating, hashing, reading trees.
    pub permits: Arc<dyn Permits>,
}

/// Lets few work at a time; what is given is held for as long as the work takes.
pub trait Permits: std::fmt::Debug + Send + Sync {
    fn acquire(self: Arc<Self>) -> BoxFuture<'static, Permit>;
}

pub type Permit = Box<dyn Send>;

impl Permits for Semaphore {
    fn acquire(self: Arc<Self>) -> BoxFuture<'static, Permit> {
        Box::pin(async {
            Box::new(self.acquire_owned().await.expect("the semaphore is never closed")) as Permit
        })
    }
}

/// How a fetch ended well.
#[derive(Debug)]
pub enum Outcome {
    /// The remote still has what is stored. `said` is whether upstream would know that without a clone.
    Unchanged {
        commit: ObjectId,
        name: String,
        said: bool,
    },
    Empty,
    Fetched(Box<Checkout>),
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("unable to list remote for '{url}'")]
    List { url: String, source: RemoteError },
    #[error("unable to clone '{url}'")]
    Clone { url: String, source: RemoteError },
    #[error("unable to clone '{url}'")]
    Reference { url: String, source: ChooseError },
    #[error("unable to clone: remote repository is empty: git repository: '{0}'")]
    EmptyTag(String),
    #[error(transparent)]
    Choose(ChooseError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("unable to clone '{url}'")]
    Pack { url: String, source: PackError },
    #[error("unable to resolve commit object for '{id}'")]
    Commit { id: String, source: CheckoutError },
    #[error("unable to resolve commit object for '{0}': object not found")]
    NoCommit(String),
    #[error("unable to check out '{commit}'")]
    Checkout { commit: ObjectId, source: CheckoutError },
    #[error("unable to update submodule '{path}'")]
    Submodule { path: String, source: Box<FetchError> },
    #[error("submodule '{0}' has no URL that can be fetched")]
    SubmoduleUrl(String),
    #[error("more than {MOST_SUBMODULES} submodules")]
    TooManySubmodules,
    #[error("submodules nested deeper than {SUBMODULES_DEEP}")]
    SubmodulesTooDeep,
    #[error("the work was stopped")]
    Stopped,
}

/// One fetch under way.
struct Run<'a> {
    fetcher: &'a Fetcher,
    request: &'a Request,
    deadline: Instant,
    /// Whether what fails now is the listing of a source that has an artifact.
    listing: bool,
}

impl Fetcher {
    /// Fetches what the request names.
    pub async fn fetch(&self, request: &Request) -> Result<Outcome, FetchError> {
        let choice = request.reference.choice();
        let listing = match &choice {
            Choice::Branch(_) | Choice::Tag(_) => request.observed.is_some(),
            Choice::Name(_) => true,
            Choice::Commit { .. } | Choice::Semver(_) => false,
        };
        let deadline = Instant::now() + request.timeout;
        let mut run = Run { fetcher: self, request, deadline, listing };
        run.fetch(&choice).await
    }
}

impl Run<'_> {
    async fn fetch(&mut self, choice: &Choice) -> Result<Outcome, FetchError> {
        if let Choice::Name(name) = choice
            && (name.starts_with('/') || name.ends_with('/'))
        {
            return Err(FetchError::Choose(ChooseError::Slash(name.clone())));
        }
        let request = self.request;
        let transport = request.auth.transport(
            &request.from,
            &self.fetcher.clients,
            request.proxy.as_ref(),
            &self.fetcher.algorithms,
        )?;
        let limit = self.fetcher.limits.pack_bytes;
        let mut remote = self.within(Remote::open(transport, limit)).await?;
        let refs = self.within(remote.list(&choice.prefixes())).await?;
        let is_empty = refs.is_empty() && self.within(remote.list(&[])).await?.is_empty();
        self.listing = false;
        if is_empty {
            return match choice {
                Choice::Branch(_) => Ok(Outcome::Empty),
                Choice::Name(name) => Err(FetchError::Choose(ChooseError::Unresolved(name.clone()))),
                _ => Err(FetchError::EmptyTag(request.url.clone())),
            };
        }
        match choice {
            Choice::Branch(branch) => self.named(remote, &refs, &format!("refs/heads/{branch}")).await,
            Choice::Tag(tag) => self.named(remote, &refs, &format!("refs/tags/{tag}")).await,
            Choice::Name(name) => self.whole_name(remote, &refs, name).await,
            Choice::Semver(range) => self.semver(remote, &refs, range).await,
            Choice::Commit { commit, branch } => self.commit(remote, &refs, commit, branch.as_deref()).await,
        }
    }

    async fn named(&self, remote: Remote, refs: &Refs, name: &str) -> Result<Outcome, FetchError> {
        let chosen = Chosen::named(refs, name).ok_or_else(|| FetchError::Reference {
            url: self.request.url.clone(),
            source: ChooseError::NotFound(name.to_owned()),
        })?;
        if self.is_observed(&chosen.name, false, chosen.commit) {
            return Ok(Outcome::Unchanged { commit: chosen.commit, name: chosen.name, said: true });
        }
        self.get(remote, chosen.want, chosen.name).await
    }

    async fn whole_name(&self, remote: Remote, refs: &Refs, name: &str) -> Result<Outcome, FetchError> {
        let bare = name.strip_suffix("^{}").unwrap_or(name);
        let mut chosen = Chosen::named(refs, bare)
            .ok_or_else(|| FetchError::Choose(ChooseError::Unresolved(name.to_owned())))?;
        name.clone_into(&mut chosen.name);
        if self.is_observed(name, true, chosen.commit) {
            return Ok(Outcome::Unchanged { commit: chosen.commit, name: chosen.name, said: true });
        }
        self.get(remote, chosen.want, chosen.name).await
    }

    async fn semver(&self, mut remote: Remote, refs: &Refs, range: &str) -> Result<Outcome, FetchError> {
        let mut newest = newest_tags(refs, range).map_err(FetchError::Choose)?;
        newest.truncate(MOST_EQUAL_TAGS);
        if newest.len() > 1 {
            // Equal versions: the one whose commit is the youngest.
            let wants: Vec<ObjectId> = newest.iter().map(|chosen| chosen.want).collect();
            let depth = if remote.can_filter() { Depth::Commits } else { Depth::One };
            let spool = self.within(remote.fetch(&wants, depth)).await?;
            let mut pack = self.open(spool).await?;
            let mut dated = Vec::new();
            for chosen in newest {
                let commit = read_commit(&mut pack, chosen.commit)
                    .map_err(|source| FetchError::Commit { id: chosen.commit.to_string(), source })?;
                dated.push((commit.committed, chosen));
            }
            dated.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.name.cmp(&a.1.name)));
            newest = dated.into_iter().map(|(_, chosen)| chosen).collect();
        }
        let chosen = newest.into_iter().next().ok_or(FetchError::Stopped)?;
        if self.is_observed(&chosen.name, false, chosen.commit) {
            return Ok(Outcome::Unchanged { commit: chosen.commit, name: chosen.name, said: false });
        }
        self.get(remote, chosen.want, chosen.name).await
    }

    async fn commit(
        &self,
        mut remote: Remote,
        refs: &Refs,
        commit: &str,
        branch: Option<&str>,
    ) -> Result<Outcome, FetchError> {
        let name = branch.map(|branch| format!("refs/heads/{branch}")).unwrap_or_default();
        let heads: Vec<ObjectId> = if branch.is_some() {
            let chosen = Chosen::named(refs, &name).ok_or_else(|| FetchError::Reference {
                url: self.request.url.clone(),
                source: ChooseError::NotFound(name.clone()),
            })?;
            vec![chosen.commit]
        } else {
            refs.under("refs/heads/").map(|(_, target)| target.id).collect()
        };
        let id: ObjectId = commit.parse().map_err(|_| FetchError::NoCommit(commit.to_owned()))?;
        if self.is_observed(&name, false, id) {
            return Ok(Outcome::Unchanged { commit: id, name, said: false });
        }
        if heads.contains(&id) {
            return self.get(remote, id, name).await;
        }
        // The commit must be in the history of what is named, or anyone who can put a commit into the same storage
        // (a fork) could have it deployed.
        let depth = if remote.can_filter() { Depth::Commits } else { Depth::Whole };
        let spool = self.within(remote.fetch(&heads, depth)).await?;
        let pack = self.open(spool).await?;
        if pack.kind(id) != Some(Kind::Commit) {
            return Err(FetchError::NoCommit(commit.to_owned()));
        }
        if depth == Depth::Whole {
            return self.check_out(pack, id, name).await;
        }
        drop(pack);
        if let Ok(outcome) = self.get(remote, id, name.clone()).await {
            return Ok(outcome);
        }
        // Some servers give only what a name points to.
        let request = self.request;
        let transport = request.auth.transport(
            &request.from,
            &self.fetcher.clients,
            request.proxy.as_ref(),
            &self.fetcher.algorithms,
        )?;
        let mut remote = self.within(Remote::open(transport, self.fetcher.limits.pack_bytes)).await?;
        let spool = self.within(remote.fetch(&heads, Depth::Whole)).await?;
        let pack = self.open(spool).await?;
        self.check_out(pack, id, name).await
    }

    async fn get(&self, mut remote: Remote, want: ObjectId, name: String) -> Result<Outcome, FetchError> {
        let spool = self.within(remote.fetch(&[want], Depth::One)).await?;
        let pack = self.open(spool).await?;
        self.check_out(pack, want, name).await
    }

    /// Reads a commit's files, then those of its submodules.
    async fn check_out(&self, mut pack: Pack, id: ObjectId, name: String) -> Result<Outcome, FetchError> {
        let (commit, tag) =
            read_tagged(&mut pack, id).map_err(|source| FetchError::Commit { id: id.to_string(), source })?;
        let tree = commit.tree;
        let checkout = Checkout::new(commit, tag, name);
        let sparse = self.request.sparse.clone();
        let (mut checkout, submodules, modules) =
            self.add(checkout, pack, tree, String::new(), sparse).await?;
        if self.request.recurse_submodules && !submodules.is_empty() {
            let modules = modules.unwrap_or_default();
            checkout = self.submodules(checkout, submodules, &modules).await?;
        }
        Ok(Outcome::Fetched(Box::new(checkout)))
    }

    async fn submodules(
        &self,
        mut checkout: Checkout,
        submodules: Vec<Submodule>,
        modules: &[u8],
    ) -> Result<Checkout, FetchError> {
        let mut waiting = Vec::new();
        let enqueue = |parent: &Url, list: Vec<Submodule>, modules: &[u8], depth: usize| {
            let urls = submodule::parse(modules);
            let mut added = Vec::new();
            for module in list {
                // An entry that .gitmodules does not name stays an empty folder.
                let Some(url) = urls.get(&module.local) else { continue };
                let url = submodule::resolve(parent, url)
                    .ok_or_else(|| FetchError::SubmoduleUrl(module.path.clone()))?;
                added.push((url, module, depth));
            }
            Ok::<_, FetchError>(added)
        };
        waiting.extend(enqueue(&self.request.from, submodules, modules, 1)?);
        let mut done = 0;
        while let Some((url, module, depth)) = waiting.pop() {
            done += 1;
            if done > MOST_SUBMODULES {
                return Err(FetchError::TooManySubmodules);
            }
            if depth > SUBMODULES_DEEP {
                return Err(FetchError::SubmodulesTooDeep);
            }
            let failed =
                |source| FetchError::Submodule { path: module.path.clone(), source: Box::new(source) };
            let pack = self.submodule_pack(&url, module.commit).await.map_err(failed)?;
            let mut pack = pack;
            let commit = read_commit(&mut pack, module.commit)
                .map_err(|source| FetchError::Commit { id: module.commit.to_string(), source })?;
            let (next, list, modules) =
                self.add(checkout, pack, commit.tree, module.path.clone(), Vec::new()).await?;
            checkout = next;
            waiting.extend(enqueue(&url, list, &modules.unwrap_or_default(), depth + 1)?);
        }
        Ok(checkout)
    }

    /// The commit of a submodule. Credentials go along only to the origin that they were given for.
    async fn submodule_pack(&self, url: &Url, commit: ObjectId) -> Result<Pack, FetchError> {
        let request = self.request;
        let trusted = is_same_origin(&request.from, url);
        let auth = if trusted { request.auth.clone() } else { request.auth.without_credentials() };
        let open = async || {
            let transport =
                auth.transport(url, &self.fetcher.clients, request.proxy.as_ref(), &self.fetcher.algorithms)?;
            self.within_of(url.as_str(), Remote::open(transport, self.fetcher.limits.pack_bytes)).await
        };
        let mut remote = open().await?;
        if let Ok(spool) = self.within_of(url.as_str(), remote.fetch(&[commit], Depth::One)).await {
            let pack = self.open(spool).await?;
            if pack.kind(commit) == Some(Kind::Commit) {
                return Ok(pack);
            }
        }
        let mut remote = open().await?;
        let refs = self.within_of(url.as_str(), remote.list(&["refs/heads/".to_owned()])).await?;
        let heads: Vec<ObjectId> = refs.under("refs/heads/").map(|(_, target)| target.id).collect();
        if heads.is_empty() {
            return Err(FetchError::NoCommit(commit.to_string()));
        }
        let spool = self.within_of(url.as_str(), remote.fetch(&heads, Depth::Whole)).await?;
        let pack = self.open(spool).await?;
        if pack.kind(commit) == Some(Kind::Commit) {
            Ok(pack)
        } else {
            Err(FetchError::NoCommit(commit.to_string()))
        }
    }

    fn is_observed(&self, name: &str, whole_name: bool, commit: ObjectId) -> bool {
        self.request
            .observed
            .as_ref()
            .is_some_and(|observed| modern_revision(observed) == revision(name, whole_name, commit))
    }

    async fn within<T>(&self, step: impl Future<Output = Result<T, RemoteError>>) -> Result<T, FetchError> {
        let result = timeout_at(self.deadline, step).await.unwrap_or(Err(RemoteError::Deadline));
        let url = self.request.url.clone();
        result.map_err(|source| {
            if self.listing { FetchError::List { url, source } } else { FetchError::Clone { url, source } }
        })
    }

    async fn within_of<T>(
        &self,
        url: &str,
        step: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, FetchError> {
        let result = timeout_at(self.deadline, step).await.unwrap_or(Err(RemoteError::Deadline));
        result.map_err(|source| FetchError::Clone { url: url.to_owned(), source })
    }

    async fn open(&self, spool: Spool) -> Result<Pack, FetchError> {
        let limits = self.fetcher.limits;
        let url = self.request.url.clone();
        self.heavy(move || Pack::open(spool, limits).map_err(|source| FetchError::Pack { url, source })).await
    }

    async fn add(
        &self,
        mut checkout: Checkout,
        pack: Pack,
        tree: ObjectId,
        prefix: String,
        sparse: Vec<String>,
    ) -> Result<(Checkout, Vec<Submodule>, Option<bytes::Bytes>), FetchError> {
        let commit = checkout.commit.id;
        self.heavy(move || {
            let (submodules, modules) = checkout
                .add(pack, tree, &prefix, &sparse)
                .map_err(|source| FetchError::Checkout { commit, source })?;
            Ok((checkout, submodules, modules))
        })
        .await
    }

    /// Runs what needs a processor, behind a permit.
    async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
    ) -> Result<T, FetchError> {
        let permits = Arc::clone(&self.fetcher.permits);
        let permit = timeout_at(self.deadline, permits.acquire()).await.map_err(|_| FetchError::Clone {
            url: self.request.url.clone(),
            source: RemoteError::Deadline,
        })?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|_| FetchError::Stopped)?
    }
}

/// A commit, and the annotated tag in front of it if there is one.
fn read_tagged(pack: &mut Pack, id: ObjectId) -> Result<(Commit, Option<Tag>), CheckoutError> {
    let tag = match pack.read(id)? {
        (Kind::Tag, content) => Some(Tag::parse(id, &content)?),
        _ => None,
    };
    Ok((read_commit(pack, id)?, tag))
}
