//! `try FOLDER [--path clusters/x] [--once] [--subject sluice|flux] [--report FILE] [--pretend-kinds]`: a folder on a
//! real control plane.
//! `try --compare REPORT...`: what came of the same folders with Flux and with Sluice, side by side.
//!
//! The folder is served by Git over HTTP, the definitions and what bootstrap leaves behind are applied, the controllers
//! run, and what they say is shown until all is Ready (`--once`) or somebody has seen enough.

mod applied;
mod compare;
mod folder;
mod pretended;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_cluster::Cluster;
use sluice_dev::bootstrap;
use sluice_dev::view::View;
use sluice_testkit::git::{GitServer, Login};
use sluice_testkit::plane::{Options, Plane};
use sluice_testkit::subject::{self, Kind, Subject};
use sluice_testkit::trace::replay::Stage;

use self::folder::Served;

/// `--once` gives up after so long.
const PATIENCE: Duration = Duration::from_mins(10);
/// All is Ready and nothing has changed for so long: it is over.
const QUIET: Duration = Duration::from_secs(2);
/// Something failed and nothing but retries has changed for so long: it has finally failed.
const HOPELESS: Duration = Duration::from_secs(45);

struct Arguments {
    folder: PathBuf,
    path: Option<String>,
    is_once: bool,
    pretends_kinds: bool,
    subject: Kind,
    report: Option<PathBuf>,
}

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if let [first, reports @ ..] = arguments
        && first == "--compare"
    {
        return compare::run(reports);
    }
    let arguments = parse(arguments)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(trial(&arguments));
    runtime.shutdown_background();
    outcome
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let (mut folder, mut path, mut subject, mut report) = (None, None, "sluice".to_owned(), None);
    let (mut is_once, mut pretends_kinds) = (false, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--path" => path = Some(value()?),
            "--once" => is_once = true,
            "--pretend-kinds" => pretends_kinds = true,
            "--subject" => subject = value()?,
            "--report" => report = Some(PathBuf::from(value()?)),
            flag if flag.starts_with('-') => return Err(format!("{flag} is not known")),
            word => folder = Some(PathBuf::from(word)),
        }
    }
    let folder = folder.ok_or("which folder?")?;
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Arguments { folder, path, is_once, pretends_kinds, subject: subject::Kind::parse(&subject)?, report })
}

async fn trial(arguments: &Arguments) -> Result<ExitCode, String> {
    // Flux's source-controller has no other way to fetch from us than to be told so in the folder.
    let is_flux = !matches!(arguments.subject, Kind::Program { .. });
    let plane = tokio::task::block_in_place(|| Plane::start(&Options::default()))
        .map_err(|error| error.to_string())?;
    println!("control plane: {} (export KUBECONFIG={})", plane.url(), plane.kubeconfig().display());
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let git = GitServer::start(root.path(), Login::Anyone).map_err(|error| error.to_string())?;
    let url = format!("{}/{}.git", git.url(), folder::NAME);
    let served = Served::make(&arguments.folder, root.path(), &url, is_flux)?;
    for line in served.notes() {
        println!("{line}");
    }
    let path = arguments.path.clone().unwrap_or_else(|| bootstrap::default_path(&arguments.folder));
    println!("served: {} as {url}, path ./{path}", arguments.folder.display());

    // The same for every subject: a folder may hold kinds of controllers that do not run.
    Stage::define(&plane, &subject::every_definition()?).await?;
    if arguments.pretends_kinds {
        let pretended = served.kinds().define(&plane.api()).await?;
        println!("pretended kinds, which take any fields: {}", pretended.join(", "));
    }
    let cluster = Cluster::from_kubeconfig(&plane.kubeconfig(), None).await;
    let cluster = cluster.map_err(|error| error.to_string())?;
    let life = tokio::spawn(sluice_simulate::workloads(cluster.clone(), jiff::Timestamp::now));
    let rewrites = served.sources().rewrites.iter().map(|from| format!("--git-rewrite={from}={url}"));
    // With its default of 4, Flux's workers all wait for health and most Kustomizations are never looked at.
    let flags: Vec<String> = if is_flux { vec!["--concurrent=50".to_owned()] } else { rewrites.collect() };
    let options = subject::Options { flags, ..subject::Options::default() };
    let mut subject =
        Subject::start(&arguments.subject, &plane, &options).map_err(|error| error.to_string())?;
    bootstrap::begin(&cluster, served.sources(), &path, &url, folder::BRANCH)
        .await
        .map_err(|error| error.to_string())?;

    let outcome = watch(arguments, &path, &cluster, &mut subject).await;
    life.abort();
    tokio::task::block_in_place(|| subject.stop(Duration::from_secs(10)));
    outcome
}

/// Shows until it is over; says how it ended.
async fn watch(
    arguments: &Arguments,
    path: &str,
    cluster: &Cluster,
    subject: &mut Subject,
) -> Result<ExitCode, String> {
    let mut view = View::begin(cluster, jiff::Timestamp::now, false).await;
    let begun = Instant::now();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let code = loop {
        tokio::select! {
            _ = &mut interrupted => break ExitCode::SUCCESS,
            () = view.advance() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        if let Some(ended) = subject.ended() {
            return Err(ended);
        }
        view.draw("").await;
        if !arguments.is_once {
            continue;
        }
        let quiet = view.last_change().elapsed();
        if view.is_all_ready() && quiet >= QUIET {
            break ExitCode::SUCCESS;
        }
        if has_finally_failed(&view) || begun.elapsed() > PATIENCE {
            break ExitCode::FAILURE;
        }
    };
    println!("{}", view.finish().await);
    println!("{}, {:.1} s after the start", view.summary(), begun.elapsed().as_secs_f64());
    if let Some(file) = &arguments.report {
        let run = report::Run {
            folder: &arguments.folder,
            path,
            is_flux: subject.is_flux(),
            seconds: begun.elapsed().as_secs(),
        };
        let report = report::write(&run, &view).await;
        std::fs::write(file, report).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(code)
}

/// Every Kustomization has said something, something has failed, and for so long nothing has got better.
fn has_finally_failed(view: &View) -> bool {
    let (mut is_answered, mut has_failure, mut longest) = (true, false, Duration::ZERO);
    for (key, object, said) in view.objects() {
        has_failure |= said.is_stalled || said.ready == "False";
        if key.0 == "Kustomization" {
            is_answered &= !said.ready.is_empty();
            longest = longest.max(timeout(&object));
        }
    }
    let patience = HOPELESS.max(longest + Duration::from_secs(15));
    is_answered && has_failure && view.last_progress().elapsed() > patience
}

/// How long a Kustomization may wait for health before it says so.
fn timeout(object: &Value) -> Duration {
    let text = object["spec"]["timeout"].as_str().or(object["spec"]["interval"].as_str()).unwrap_or_default();
    let minutes = text.strip_suffix('m').and_then(|number| number.parse::<u64>().ok());
    let seconds = text.strip_suffix('s').and_then(|number| number.parse::<u64>().ok());
    let time = minutes.map(|minutes| minutes * 60).or(seconds).unwrap_or_default();
    Duration::from_secs(time.min(300))
}
