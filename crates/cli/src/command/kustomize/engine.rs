//! Runs of the engine for commands: on a thread of its own, with a stack for deep files, over the whole disk.

use std::cell::RefCell;
use std::sync::Arc;

use sluice_bases::Answering;
use sluice_budget::Budget;
use sluice_kustomize::{Answers, Ask, Built, Charts, Options, Outcome, Reorder, RepoSpec};
use sluice_tree::Tree;

use super::charts::{LocalCharts, Wanted};
use super::remote;
use crate::error::{CliError, CliResult};
use crate::files;
use crate::ui::Ui;

/// Engines recurse as deep as the files do; templates of charts deeper.
const STACK: usize = sluice_helm::build::STACK;

/// Runs what is not async, and deep.
pub async fn deep<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> CliResult<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("kustomize".to_owned()).stack_size(STACK).spawn(move || {
        // Whoever waited may have been stopped.
        drop(send.send(work()));
    })?;
    receive.await.map_err(|_| CliError::new("the engine stopped unexpectedly"))
}

/// How many threads one build may take.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
}

/// More would wait for each other.
const MOST_THREADS: usize = 8;

/// Tells something on standard error with the time, as kustomize's log does.
pub fn log(ui: &Ui, text: &str) {
    let now = crate::clock::now();
    ui.note(&format!("{} {text}", now.strftime("%Y/%m/%d %H:%M:%S")));
}

/// The real path of the folder to build, told from the words that a person typed.
pub fn folder(typed: &str) -> CliResult<String> {
    let refused = |text: String| CliError::new(format!("must build at directory: {text}"));
    let missing =
        |text: String| refused(format!("not a valid directory: evalsymlink failure on '{typed}' : {text}"));
    let whole = std::path::absolute(typed)?;
    let real = std::fs::canonicalize(&whole).map_err(|error| {
        let first = whole.ancestors().filter(|path| path.symlink_metadata().is_err()).last();
        let shown = first.unwrap_or(&whole).display().to_string();
        missing(match error.kind() {
            std::io::ErrorKind::NotFound => format!("lstat {shown}: no such file or directory"),
            std::io::ErrorKind::NotADirectory => "not a directory".to_owned(),
            std::io::ErrorKind::PermissionDenied => format!("lstat {shown}: permission denied"),
            _ => error.to_string(),
        })
    })?;
    if !real.is_dir() {
        return Err(refused(format!("'{typed}': file is not directory")));
    }
    real.into_os_string().into_string().map_err(|_| refused(format!("'{typed}': the path is not UTF-8")))
}

/// What is built, and how.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// A folder or a repository, as typed.
    pub target: String,
    pub unrestricted: bool,
    /// Nothing is fetched.
    pub offline: bool,
    /// Objects stay as they were read and made, and are not sorted by kind.
    pub keeps_order: bool,
    /// The order was asked for by a flag.
    pub is_order_asked: bool,
    pub managed_by: bool,
    /// Charts are rendered.
    pub charts: Option<Wanted>,
}

impl Job {
    /// Builds, and tells the warnings.
    pub async fn run(self, ui: &Ui) -> CliResult<Built> {
        let built = self.build(ui).await?;
        warn(ui, &built.warnings);
        Ok(built)
    }

    async fn build(self, ui: &Ui) -> CliResult<Built> {
        let failed = |error: sluice_bases::Exceeded| CliError::new(error.to_string());
        let Some(spec) = RepoSpec::parse(&self.target) else {
            let place = Place {
                tree: Arc::new(files::disk()?),
                folder: folder(&self.target)?,
                shown_root: String::new(),
            };
            // Most folders ask for nothing, and then no way to fetch is made ready.
            return match self.attempt(ui, &place, &Answers::default()).await? {
                Outcome::Done(built) => Ok(built),
                Outcome::Need(asks) => {
                    let bases = remote::bases();
                    let mut answering = bases.answering();
                    answering.answer(asks).await.map_err(failed)?;
                    self.build_at(ui, &place, answering).await
                }
            };
        };
        if self.offline {
            return Err(CliError::new(format!("remote base '{}' is not allowed: --offline", spec.raw)));
        }
        let bases = remote::bases();
        let mut answering = bases.answering();
        answering.answer(vec![Ask::Repository(spec.clone())]).await.map_err(failed)?;
        let tree = match answering.answers().repositories.get(&spec.raw) {
            Some(Ok(tree)) => Arc::clone(tree),
            Some(Err(error)) => return Err(CliError::new(error.clone())),
            None => return Err(CliError::new(format!("'{}' was not fetched", spec.raw))),
        };
        let place = Place { tree, folder: spec.root_path.clone(), shown_root: spec.clone_spec() };
        self.build_at(ui, &place, answering).await
    }

    /// Builds until nothing is asked for any more.
    async fn build_at(&self, ui: &Ui, place: &Place, mut answering: Answering<'_>) -> CliResult<Built> {
        loop {
            match self.attempt(ui, place, answering.answers()).await? {
                Outcome::Done(built) => return Ok(built),
                Outcome::Need(asks) => {
                    answering.answer(asks).await.map_err(|error| CliError::new(error.to_string()))?;
                }
            }
        }
    }

    async fn attempt(&self, ui: &Ui, place: &Place, answers: &Answers) -> CliResult<Outcome> {
        let (job, place, answers) = (self.clone(), place.clone(), answers.clone());
        let runtime = tokio::runtime::Handle::current();
        deep(move || job.once(&place, &answers, runtime)).await?.map_err(|(error, warnings)| {
            warn(ui, &warnings);
            error
        })
    }

    /// One run of the engine; a failed one comes with the warnings up to there.
    fn once(
        &self,
        place: &Place,
        answers: &Answers,
        runtime: tokio::runtime::Handle,
    ) -> Result<Outcome, (CliError, Vec<String>)> {
        let warnings = RefCell::new(Vec::new());
        let on_warning = |text: &str| warnings.borrow_mut().push(text.to_owned());
        let charts =
            self.charts.as_ref().map(|wanted| LocalCharts { wanted, offline: self.offline, runtime });
        let options = Options {
            shown_root: &place.shown_root,
            unrestricted: self.unrestricted,
            remote: !self.offline,
            reorder: if self.keeps_order { Reorder::None } else { Reorder::Legacy },
            is_order_asked: self.is_order_asked,
            managed_by: self.managed_by,
            charts: charts.as_ref().map(|charts| charts as &dyn Charts),
            threads: threads(),
            on_warning: Some(&on_warning),
            ..Options::default()
        };
        let budget = Budget::generous();
        let built = sluice_kustomize::build(&*place.tree, &place.folder, &options, answers, &budget);
        built.map_err(|error| (CliError::new(error.to_string()), warnings.take()))
    }
}

fn warn(ui: &Ui, warnings: &[String]) {
    for warning in warnings {
        let warning = warning.trim_end_matches('\n');
        if warning.starts_with('#') { ui.note(warning) } else { log(ui, warning) }
    }
}

/// Where the build begins.
#[derive(Clone)]
struct Place {
    tree: Arc<dyn Tree + Send + Sync>,
    folder: String,
    shown_root: String,
}
