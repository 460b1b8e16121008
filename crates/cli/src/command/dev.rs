//! `sluice dev`: a folder on a cluster that is all in this process, followed as it changes.
//!
//! The API server, simulated workloads and the controllers run side by side and meet where they always do: at API objects
//! and artifact addresses. The folder is served by Git on loopback. Nothing is left behind.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sluice_apiserver::Server;
use sluice_cluster::Cluster;
use sluice_dev::bootstrap::{self, Sources};
use sluice_dev::repository::{Repository, Snapshot};
use sluice_dev::serve::{self, Served};
use sluice_dev::verdict::{self, Verdict};
use sluice_dev::view::View;
use sluice_dev::watch::Watched;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::apiserver::{Simulate, simulated, write};
use crate::error::{CliError, CliResult};

/// Run a folder on an embedded cluster and follow it as it changes
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Folder to run: a Git work tree or any other
    folder: PathBuf,
    /// Path in the folder that the cluster follows (default: where bootstrap left its files, else the only cluster, else all)
    #[arg(long)]
    path: Option<String>,
    /// End when nothing can change any more: exit 0 if all is Ready, else 1
    #[arg(long)]
    once: bool,
    /// Fail also where custom resources have no controller here
    #[arg(long, requires = "once")]
    strict: bool,
    /// File or folder of objects that are not in Git (secrets, settings)
    #[arg(long, value_name = "FILE|DIR")]
    with: Vec<PathBuf>,
    /// Port of the API server on 127.0.0.1 (0: any that is free)
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File to write an administrator's kubeconfig to (default: one that goes when this ends)
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// `--once` gives up after so long.
const PATIENCE: Duration = Duration::from_mins(10);
/// Controllers that are asked to stop are given so long.
const STOPPING: Duration = Duration::from_secs(5);
/// Files of `--with` that are read at most, and the largest.
const MOST_FILES: usize = 1000;
const LARGEST: u64 = 4 << 20;

/// To standard output; whoever has closed it does not want to know.
fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::new(sluice_runtime::failure::chain(&error))
}

pub async fn run(args: DevArgs) -> CliResult {
    let temporary = tempfile::Builder::new().prefix("sluice-dev-").tempdir()?;
    let folder = args.folder.canonicalize();
    let folder = folder.map_err(|error| CliError::new(format!("{}: {error}", args.folder.display())))?;
    let (watched, first) = Watched::begin(Repository::open(&folder).map_err(failed)?).map_err(failed)?;
    let sources = Sources::find(watched.repository());
    let path = args.path.clone().unwrap_or_else(|| bootstrap::default_path(&folder));
    let served = Served::new(first.clone());
    let git = serve::Server::bind(served.clone()).await?;
    let url = git.url();

    let server = Server::bind(args.port, Arc::new(sluice_runtime::clock::now)).await.map_err(failed)?;
    let kubeconfig = args.kubeconfig.clone().unwrap_or_else(|| temporary.path().join("kubeconfig"));
    write(&kubeconfig, &server.kubeconfig())?;
    tell(&format!("► cluster {} (export KUBECONFIG={})", server.url(), kubeconfig.display()));
    tell(&format!("► folder {}, path ./{path}, revision {}", folder.display(), revision(&first)));
    tell("► workloads are simulated: nothing is pulled, nothing is run");
    let authority = server.authority().to_owned();
    let mut running = JoinSet::new();
    running.spawn(async move {
        server.run().await;
        Ok(())
    });
    running.spawn(async move {
        git.run().await;
        Ok(())
    });
    let cluster = Cluster::from_kubeconfig(&kubeconfig, None).await.map_err(failed)?;
    running.spawn(simulated(cluster.clone(), authority, Simulate::Workloads));
    let definitions: Vec<&str> = sluice_api::crds::ALL.iter().map(|(_, text)| *text).collect();
    bootstrap::prepare(&cluster, &definitions).await.map_err(failed)?;
    let stop = CancellationToken::new();
    let artifacts = temporary.path().join("artifacts");
    std::fs::create_dir(&artifacts)?;
    let flags = flags(&artifacts, &sources, &url);
    let controllers = {
        let (cluster, stop) = (cluster.clone(), stop.clone());
        tokio::spawn(async move { super::run::all_on(cluster, &flags, stop).await })
    };
    let stop_controllers = stop.clone().drop_guard();
    for path in &args.with {
        provide(&cluster, path).await?;
    }
    bootstrap::begin(&cluster, &sources, &path, &url, &first.branch).await.map_err(failed)?;

    let mut urls = sources.rewrites.clone();
    urls.push(url);
    let view = View::begin(&cluster, sluice_runtime::clock::now, true).await;
    let mut stage =
        Stage { view, watched, served, urls, head: format!("KUBECONFIG={}\n", kubeconfig.display()) };
    let mut controllers = controllers;
    let outcome = tokio::select! {
        outcome = stage.play(&args) => outcome,
        ended = &mut controllers => match ended {
            Ok(Err(error)) => Err(error),
            _ => Err(CliError::new("the controllers have ended")),
        },
        Some(ended) = running.join_next() => match ended {
            Ok(Err(error)) => Err(error),
            _ => Err(CliError::new("the cluster has ended")),
        },
    };
    drop(stop_controllers);
    if !controllers.is_finished() {
        let _ = tokio::time::timeout(STOPPING, &mut controllers).await;
    }
    let _ = std::fs::remove_file(&kubeconfig);
    match outcome? {
        ExitCode::SUCCESS => Ok(()),
        _ => Err(CliError::new("not all is Ready")),
    }
}

/// Addresses that no other process has, and the folder in the place of its own remotes.
fn flags(artifacts: &std::path::Path, sources: &Sources, url: &str) -> Vec<String> {
    let mut flags = vec![
        format!("--storage-path={}", artifacts.display()),
        "--storage-addr=127.0.0.1:0".to_owned(),
        "--storage-adv-addr=".to_owned(),
        "--metrics-addr=127.0.0.1:0".to_owned(),
        "--health-addr=127.0.0.1:0".to_owned(),
        "--events-addr=".to_owned(),
        "--requeue-dependency=5s".to_owned(),
        "--artifact-effort=1".to_owned(),
        "--drift=watch".to_owned(),
    ];
    flags.extend(sources.rewrites.iter().map(|from| format!("--git-rewrite={from}={url}")));
    flags
}

/// A work tree that is not as its branch says is told apart.
fn revision(snapshot: &Snapshot) -> String {
    let local = if snapshot.is_clean { "" } else { " (local changes)" };
    format!("{}@sha1:{}{local}", snapshot.branch, snapshot.commit)
}

/// Applies the objects of a file, or of all YAML files of a folder.
async fn provide(cluster: &Cluster, path: &std::path::Path) -> CliResult {
    let cannot = |error| CliError::new(format!("{}: {error}", path.display()));
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(cannot)?;
        files = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"));
        files.sort();
        files.truncate(MOST_FILES);
    }
    for file in files {
        if file.metadata().map_err(cannot)?.len() > LARGEST {
            return Err(CliError::new(format!("{}: larger than {LARGEST} bytes", file.display())));
        }
        for object in bootstrap::documents(&std::fs::read_to_string(&file).map_err(cannot)?) {
            let applied = bootstrap::apply(cluster, &object, "default").await;
            applied.map_err(|error| CliError::new(format!("{}: {error}", file.display())))?;
        }
    }
    Ok(())
}

/// What is shown and what is followed.
struct Stage {
    view: View,
    watched: Watched,
    served: Served,
    /// Addresses that mean the folder.
    urls: Vec<String>,
    head: String,
}

impl Stage {
    async fn play(&mut self, args: &DevArgs) -> Result<ExitCode, CliError> {
        let begun = tokio::time::Instant::now();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let verdict = if args.once {
            tokio::select! {
                verdict = verdict::once(&mut self.view) => verdict,
                () = tokio::time::sleep(PATIENCE) => Verdict::Failed,
                _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
                _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
            }
        } else {
            tokio::select! {
                ended = self.follow() => ended?,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return Ok(ExitCode::SUCCESS);
        };
        tell(self.view.finish().await.trim_end());
        let assumed = verdict::assumed(&self.view);
        let mut lines = verdict::not_run(self.view.cluster()).await;
        lines.extend(assumed.iter().cloned());
        if verdict == Verdict::Failed {
            lines.extend(verdict::missing(&self.view, self.watched.repository()).await);
        }
        for line in lines {
            tell(&line);
        }
        tell(&format!("{}, {:.1} s after the start", self.view.summary(), begun.elapsed().as_secs_f64()));
        let is_strict_failure = args.strict && !assumed.is_empty();
        let is_good = verdict == Verdict::Ready && !is_strict_failure;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Shows what happens, and hands on what changes in the folder.
    async fn follow(&mut self) -> CliResult {
        let mut number = 0;
        loop {
            let drawing = self.view.next_drawing();
            let due = async {
                match drawing {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.view.advance() => {}
                () = due => self.view.draw(&self.head).await,
                changed = self.watched.changed() => {
                    let (snapshot, _) = changed.map_err(failed)?;
                    let line = format!("► revision {}", revision(&snapshot));
                    self.served.set(snapshot);
                    number += 1;
                    self.view.ask_sources(&self.urls, &format!("sluice-dev-save-{number}")).await;
                    if drawing.is_none() {
                        tell(&line);
                    }
                    self.head = format!("{}\n{line}\n", self.head.lines().next().unwrap_or_default());
                }
            }
        }
    }
}
