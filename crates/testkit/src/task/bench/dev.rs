//! `bench dev [--program FILE] [--size N] [--only many|saved|most|once] [--runs N] [--repository FOLDER [--path P] [--with
//! FILE]...]`: `sluice dev` on a made folder of Kustomizations, then on twice as many; how long saved files take; 5,000
//! and 10,000 of Deployments without replicas, where `--only most` asks for them; `--once` on a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, PipeReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use sluice_testkit::git::Repository;
use sluice_testkit::plane::Usage;
use sluice_testkit::reaper::Process;

use super::measure::Figure;
use super::served::Client;

const NS: &str = "bench";
const CLUSTER: &str = "clusters/bench";
/// Kustomizations of the largest run.
const MOST: usize = 10_000;
/// Where all Ready is given up.
const PATIENCE: Duration = Duration::from_mins(5);
/// Saved files, and how long a person takes from one to the next at the least.
const SAVED: usize = 200;
const PAUSE: Duration = Duration::from_secs(1);
/// A change is taken when the folder has been quiet for so long.
const QUIET: Duration = Duration::from_millis(20);

struct Bench {
    program: PathBuf,
    size: usize,
    only: Option<String>,
    repository: Option<PathBuf>,
    path: Option<String>,
    /// Objects that the repository does not bring, such as definitions that its charts would.
    with: Vec<String>,
}

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut program, mut runs) = (None, 1_usize);
    let mut bench = Bench {
        program: PathBuf::new(),
        size: 1000,
        only: None,
        repository: None,
        path: None,
        with: Vec::new(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<usize>().map_err(|_| format!("{word} needs a number"));
        match word.as_str() {
            "--program" => program = Some(PathBuf::from(value)),
            "--size" => bench.size = number()?,
            "--runs" => runs = number()?,
            "--only" => bench.only = Some(value.clone()),
            "--repository" => bench.repository = Some(PathBuf::from(value)),
            "--path" => bench.path = Some(value.clone()),
            "--with" => bench.with.push(value.clone()),
            other => return Err(format!("{other} is not known")),
        }
    }
    bench.program = match program {
        Some(program) => program,
        None => super::release_program()?,
    };
    let mut are_met = true;
    for run in 1..=runs {
        println!("run {run}");
        for figure in measure(&bench)? {
            println!("{figure}");
            are_met &= figure.is_met();
        }
    }
    Ok(if are_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(bench: &Bench) -> Result<Vec<Figure>, String> {
    let is_wanted = |what: &str| bench.only.as_ref().is_none_or(|only| only == what);
    let mut figures = Vec::new();
    if bench.only.as_deref() == Some("most") {
        figures.extend(most(bench)?);
    }
    if is_wanted("many") || is_wanted("saved") {
        let folder = Folder::make(bench.size, 1)?;
        let mut dev = Dev::start(&bench.program, &folder)?;
        let took = dev.wait_until_ready(bench.size)?;
        let used = dev.usage();
        let scale = bench.size as f64 / 1000.0;
        figures.extend([
            Figure::seconds(&format!("{} Kustomizations, start to all Ready", bench.size), took, 6.0 * scale),
            Figure::new("processor time then", used.processor_seconds, "s", f64::INFINITY),
            Figure::new("peak memory of the process", used.peak_memory_mib, "MiB", 180.0),
        ]);
        if is_wanted("saved") {
            figures.extend(saved(&dev, &folder, bench.size)?);
            figures.push(Figure::new("peak memory then", dev.usage().peak_memory_mib, "MiB", f64::INFINITY));
        }
        drop((dev, folder));
        if is_wanted("many") {
            let folder = Folder::make(bench.size * 2, 1)?;
            let mut dev = Dev::start(&bench.program, &folder)?;
            let twice = dev.wait_until_ready(bench.size * 2)?;
            let bar = took.as_secs_f64() * 2.2;
            figures.push(Figure::seconds("the same with twice as many", twice, bar));
            let used = dev.usage();
            figures.push(Figure::new("processor time then", used.processor_seconds, "s", f64::INFINITY));
            figures.push(Figure::new("peak memory then", used.peak_memory_mib, "MiB", f64::INFINITY));
        }
    }
    if let Some(repository) = bench.repository.as_ref().filter(|_| is_wanted("once")) {
        figures.extend(once(bench, repository)?);
    }
    Ok(figures)
}

/// As many as one process should do, after half as many: time and memory grow with the number and no faster.
fn most(bench: &Bench) -> Result<Vec<Figure>, String> {
    let run = |size| {
        let folder = Folder::make(size, 0)?;
        let mut dev = Dev::start(&bench.program, &folder)?;
        Ok::<_, String>((dev.wait_until_ready(size)?, dev.usage()))
    };
    let (half_took, half_used) = run(MOST / 2)?;
    let (took, used) = run(MOST)?;
    let twice = |what: &str, half: f64, whole: f64| Figure::new(what, whole / half, "times", 2.2);
    Ok(vec![
        Figure::seconds(&format!("{} Kustomizations without replicas", MOST / 2), half_took, f64::INFINITY),
        Figure::new("processor time then", half_used.processor_seconds, "s", f64::INFINITY),
        Figure::new("peak memory of the process", half_used.peak_memory_mib, "MiB", f64::INFINITY),
        Figure::seconds(&format!("{MOST} Kustomizations without replicas"), took, 60.0),
        Figure::new("processor time then", used.processor_seconds, "s", f64::INFINITY),
        Figure::new("peak memory of the process", used.peak_memory_mib, "MiB", 500.0),
        twice(
            "processor time over that of half as many",
            half_used.processor_seconds,
            used.processor_seconds,
        ),
        twice("memory over that of half as many", half_used.peak_memory_mib, used.peak_memory_mib),
    ])
}

/// A work tree of applications, and of Kustomizations that want them.
struct Folder {
    _root: tempfile::TempDir,
    work: PathBuf,
    replicas: usize,
}

impl Folder {
    fn make(size: usize, replicas: usize) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        let root = tempfile::tempdir().map_err(failed)?;
        let repository = Repository::create(root.path(), "apps").map_err(failed)?;
        let work = repository.work().to_owned();
        let cluster = work.join(CLUSTER);
        std::fs::create_dir_all(&cluster).map_err(failed)?;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}});
        std::fs::write(cluster.join("namespace.yaml"), format!("{namespace:#}\n")).map_err(failed)?;
        let folder = Self { _root: root, work, replicas };
        for at in 0..size {
            let name = super::scene::name(at);
            let kustomization = json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": name, "namespace": "flux-system"},
                "spec": {
                    "interval": "10m", "timeout": "5m", "path": format!("./apps/{name}"), "prune": true,
                    "wait": true, "targetNamespace": NS,
                    "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
                },
            });
            let file = cluster.join(format!("{name}.yaml"));
            std::fs::write(file, format!("{kustomization:#}\n")).map_err(failed)?;
            std::fs::create_dir_all(folder.work.join("apps").join(&name)).map_err(failed)?;
            folder.save(at, 0)?;
        }
        repository.commit_all("applications").map_err(failed)?;
        Ok(folder)
    }

    /// Writes an application's file; its ServiceAccount tells the number of the change.
    fn save(&self, at: usize, change: usize) -> Result<(), String> {
        let name = super::scene::name(at);
        let mut documents = super::application(&name, true);
        documents[0]["metadata"]["annotations"] = json!({"change": change.to_string()});
        documents[2]["spec"]["replicas"] = self.replicas.into();
        let text: Vec<String> = documents.iter().map(|document| format!("{document:#}\n")).collect();
        let file = self.work.join("apps").join(&name).join("app.yaml");
        std::fs::write(file, text.join("---\n")).map_err(|error| error.to_string())
    }
}

/// A running `sluice dev`, whose output is read.
struct Dev {
    process: Process,
    lines: Receiver<String>,
    begun: Instant,
    folder: tempfile::TempDir,
}

impl Dev {
    fn start(program: &Path, folder: &Folder) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        let own = tempfile::tempdir().map_err(failed)?;
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let mut command = Command::new(program);
        command
            .arg("dev")
            .arg(&folder.work)
            .args(["--path", CLUSTER, "--kubeconfig"])
            .arg(own.path().join("kubeconfig"))
            .env("TMPDIR", own.path())
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::null());
        let begun = Instant::now();
        let process = Process::start("sluice dev", &mut command).map_err(failed)?;
        drop(command);
        Ok(Self { process, lines: lines_of(reader), begun, folder: own })
    }

    fn usage(&self) -> Usage {
        Usage::of(self.process.id())
    }

    /// When so many Kustomizations, and the one that brings them, have said that they are Ready.
    fn wait_until_ready(&mut self, size: usize) -> Result<Duration, String> {
        let mut ready = BTreeSet::new();
        let mut last = String::new();
        while ready.len() < size + 1 {
            let left = PATIENCE.saturating_sub(self.begun.elapsed());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{} of {size} are Ready; last: {last}", ready.len()));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(format!("it has ended; last: {last}")),
            };
            if let Some(rest) = line.strip_prefix("Kustomization/flux-system/")
                && let Some((name, said)) = rest.split_once(": ")
            {
                if said.starts_with("Ready") {
                    ready.insert(name.to_owned());
                } else {
                    ready.remove(name);
                }
            }
            last = line;
        }
        Ok(self.begun.elapsed())
    }
}

/// Read at once, whether anybody wants them or not: what writes them is being measured.
fn lines_of(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1 << 20);
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Changes one by one, in applications all over the folder: when does each arrive?
fn saved(dev: &Dev, folder: &Folder, size: usize) -> Result<Vec<Figure>, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut took: Vec<f64> = runtime.block_on(async {
        let kubeconfig = dev.folder.path().join("kubeconfig");
        let client = Client::of_kubeconfig(&kubeconfig, Instant::now()).await?;
        let collection = format!("/api/v1/namespaces/{NS}/serviceaccounts");
        let list = client.send("GET", &collection, None).await?;
        let list: Value = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let mut parts = client.watch(&format!("{collection}?watch=1&resourceVersion={version}")).await?;
        let mut rest = Vec::new();
        let mut took = Vec::new();
        for change in 1..=SAVED {
            tokio::time::sleep(PAUSE).await;
            // Far from each other, and none twice.
            let at = change * 37 % size;
            folder.save(at, change)?;
            let written = Instant::now();
            let wanted = format!("\"change\":\"{change}\"");
            let arrived = async {
                loop {
                    let part: bytes::Bytes = parts.next().await.ok_or("the watch has ended")?;
                    rest.extend_from_slice(&part);
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        if String::from_utf8_lossy(&line).contains(&wanted) {
                            return Ok::<_, String>(written.elapsed());
                        }
                    }
                }
            };
            let arrived = tokio::time::timeout(PATIENCE, arrived).await;
            let arrived = arrived.map_err(|_| format!("change {change} has not arrived"))??;
            took.push(arrived.saturating_sub(QUIET).as_secs_f64() * 1000.0);
        }
        Ok::<_, String>(took)
    })?;
    took.sort_by(f64::total_cmp);
    Ok(vec![
        Figure::new("a saved file to its object, the middle one", took[SAVED / 2], "ms", 50.0),
        Figure::new("the slowest but two of 200", took[SAVED * 99 / 100 - 1], "ms", 200.0),
    ])
}

/// The verdict on a repository.
fn once(bench: &Bench, repository: &Path) -> Result<Vec<Figure>, String> {
    let mut command = Command::new(&bench.program);
    command.arg("dev").arg(repository).arg("--once").stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(path) = &bench.path {
        command.args(["--path", path]);
    }
    for file in &bench.with {
        command.args(["--with", file]);
    }
    let begun = Instant::now();
    let output = command.output().map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        if let Some((kind, rest)) = line.split_once('/')
            && let Some((name, _)) = rest.split_once(": ")
        {
            kinds.entry(kind).or_default().insert(name);
        }
    }
    let count = kinds.get("Kustomization").map_or(0, BTreeSet::len);
    println!("{}", text.lines().last().unwrap_or_default());
    Ok(vec![Figure::seconds(&format!("--once on a repository of {count} Kustomizations"), took, 5.0)])
}
