//! Remote bases: what a kustomize build asks for, fetched from Git and the web, for controllers and the command line.
//!
//! One `Answering` belongs to one build and keeps its bounds: rounds, asks, the size of a file and of a repository, time,
//! redirects. Nothing is written but spooled packs, and no credential is sent that does not stand in the address itself.

mod repository;
mod web;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use sluice_git::Fetcher;
use sluice_kustomize::{Answers, Ask, RepoSpec};
use sluice_net::SecretData;
use sluice_tree::Tree;

/// Fetches that run at one time for one build.
const AT_ONCE: usize = 4;

/// Bounds of one build's fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs of the engine that may each ask for more.
    pub rounds: usize,
    /// Files and repositories of one build.
    pub asks: usize,
    /// One file from the web, and all of them together.
    pub file_bytes: usize,
    pub all_file_bytes: usize,
    /// Repositories, each at one reference.
    pub repositories: usize,
    /// One repository's pack.
    pub pack_bytes: u64,
    /// One fetch, whatever the address itself allows.
    pub longest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rounds: 16,
            asks: 500,
            file_bytes: 50 << 20,
            all_file_bytes: 256 << 20,
            repositories: 32,
            pack_bytes: 256 << 20,
            longest: Duration::from_mins(2),
        }
    }
}

/// Why a build's asks are not answered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("remote bases lead to more than {0} rounds of others")]
    Rounds(usize),
    #[error("the build names more than {0} remote files and repositories")]
    Asks(usize),
    #[error("the build's remote files are larger than {0} bytes together")]
    Bytes(usize),
    #[error("the build names more than {0} remote repositories")]
    Repositories(usize),
}

/// How remote bases are fetched in this process.
#[derive(Debug, Clone)]
pub struct Bases {
    fetcher: Fetcher,
    limits: Limits,
    /// `identity` and `known_hosts` for repositories over SSH, where there are any.
    ssh: SecretData,
}

type Files = Result<Arc<dyn Tree + Send + Sync>, String>;

impl Bases {
    pub fn new(mut fetcher: Fetcher, limits: Limits) -> Self {
        fetcher.limits.pack_bytes = fetcher.limits.pack_bytes.min(limits.pack_bytes);
        Self { fetcher, limits, ssh: SecretData::default() }
    }

    /// With a key for repositories over SSH.
    #[must_use]
    pub fn with_ssh(mut self, ssh: SecretData) -> Self {
        self.ssh = ssh;
        self
    }

    /// The answers of one build.
    pub fn answering(&self) -> Answering<'_> {
        Answering {
            bases: self,
            answers: Answers::default(),
            repositories: BTreeMap::new(),
            rounds: 0,
            asks: 0,
            file_bytes: 0,
        }
    }
}

/// A repository at a reference: what is fetched once, however many folders of it are named.
type Checkout = (String, String, bool);

fn checkout_of(spec: &RepoSpec) -> Checkout {
    (spec.clone_spec(), spec.reference.clone(), spec.submodules)
}

/// One build's asks and what was found for them.
pub struct Answering<'a> {
    bases: &'a Bases,
    answers: Answers,
    repositories: BTreeMap<Checkout, Files>,
    rounds: usize,
    asks: usize,
    file_bytes: usize,
}

impl Answering<'_> {
    /// What is known so far, for the engine's next run.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Fetches what a run asked for. What cannot be had is an answer too: the engine tells it in its place.
    pub async fn answer(&mut self, asks: Vec<Ask>) -> Result<(), Exceeded> {
        let limits = self.bases.limits;
        self.rounds += 1;
        if self.rounds > limits.rounds {
            return Err(Exceeded::Rounds(limits.rounds));
        }
        self.asks += asks.len();
        if self.asks > limits.asks {
            return Err(Exceeded::Asks(limits.asks));
        }
        let (mut addresses, mut specs) = (Vec::new(), Vec::new());
        for ask in asks {
            match ask {
                Ask::File(address) => addresses.push(address),
                Ask::Repository(spec) => specs.push(spec),
            }
        }
        let files = addresses.into_iter().map(|address| {
            let clients = self.bases.fetcher.clients.clone();
            async move {
                let content = web::fetch(&clients, &address, limits.file_bytes, limits.longest).await;
                (address, content)
            }
        });
        let mut files = futures::stream::iter(files).buffered(AT_ONCE);
        while let Some((address, content)) = files.next().await {
            self.file_bytes += content.as_ref().map_or(0, bytes::Bytes::len);
            if self.file_bytes > limits.all_file_bytes {
                return Err(Exceeded::Bytes(limits.all_file_bytes));
            }
            self.answers.files.insert(address, content);
        }
        let mut wanted: BTreeMap<Checkout, RepoSpec> =
            specs.iter().map(|spec| (checkout_of(spec), spec.clone())).collect();
        wanted.retain(|clone, _| !self.repositories.contains_key(clone));
        if self.repositories.len() + wanted.len() > limits.repositories {
            return Err(Exceeded::Repositories(limits.repositories));
        }
        // Futures of their own, without borrowed parts, so that any task may await them.
        let fetches = wanted.into_iter().map(|(clone, spec)| {
            let (fetcher, ssh) = (self.bases.fetcher.clone(), self.bases.ssh.clone());
            async move { (clone, repository::fetch(&fetcher, &ssh, &spec, limits.longest).await) }
        });
        let fetched: Vec<_> = futures::stream::iter(fetches).buffered(AT_ONCE).collect().await;
        self.repositories.extend(fetched);
        for spec in specs {
            if let Some(files) = self.repositories.get(&checkout_of(&spec)) {
                self.answers.repositories.insert(spec.raw, files.clone());
            }
        }
        Ok(())
    }
}
