//! The controllers under test: a command (or Flux's own controllers) with the environment that it expects.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::plane::{Plane, Usage};
use crate::reaper::Process;
use crate::{peers, port, yaml};

/// Which controllers a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// source-controller and kustomize-controller as Flux ships them, from the peers.
    Flux,
    /// Flux's source-controller beside our kustomize-controller.
    Mixed { program: PathBuf },
    /// A program and its first arguments; upstream's flags are added.
    Program { program: PathBuf, arguments: Vec<String> },
}

/// Choices of a run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Further flags, after those that are always given.
    pub flags: Vec<String>,
    /// Another kubeconfig than the plane's (behind a proxy, less rights).
    pub kubeconfig: Option<PathBuf>,
    /// Further environment.
    pub environment: Vec<(String, String)>,
    /// Where artifacts are served; a free port where this is left open.
    pub storage_port: Option<u16>,
}

/// Running controllers.
#[derive(Debug)]
pub struct Subject {
    processes: Vec<Process>,
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    kind: Kind,
}

impl Kind {
    /// `flux`, `sluice`, `mixed`, or a command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "flux" => Ok(Self::Flux),
            "mixed" => match Self::sluice() {
                Some(Self::Program { program, .. }) => Ok(Self::Mixed { program }),
                _ => Err("sluice is not built (cargo build -p sluice-cli)".to_owned()),
            },
            "sluice" => {
                Self::sluice().ok_or_else(|| "sluice is not built (cargo build -p sluice-cli)".to_owned())
            }
            line => {
                let mut words = line.split_whitespace().map(str::to_owned);
                let program = words.next().ok_or("an empty command")?;
                Ok(Self::Program { program: program.into(), arguments: words.collect() })
            }
        }
    }

    /// Our own controllers, all in one process: what SLUICE_BINARY names, else the workspace's, built anew if need be.
    pub fn sluice() -> Option<Self> {
        let program = std::env::var_os("SLUICE_BINARY").map(PathBuf::from).or_else(built)?;
        Some(Self::Program { program, arguments: vec!["run".to_owned(), "all".to_owned()] })
    }

    /// Are the programs there?
    pub fn is_built(&self) -> bool {
        match self {
            Self::Flux => FLUX.iter().all(|(name, _)| peers::find(name).is_some()),
            Self::Mixed { program } => peers::find(FLUX[0].0).is_some() && program.is_file(),
            Self::Program { program, .. } => program.is_file(),
        }
    }

    /// The resource definitions that these controllers come with, one document each.
    pub fn definitions(&self) -> Result<Vec<serde_json::Value>, String> {
        let folders = match self {
            Self::Flux | Self::Mixed { .. } => FLUX
                .iter()
                .map(|(peer, module)| {
                    let folder = peers::module_folder(peer, module)
                        .ok_or_else(|| format!("{module} is not downloaded"))?;
                    Ok(folder.join("config/crd/bases"))
                })
                .collect::<Result<Vec<_>, String>>()?,
            Self::Program { .. } => return every_definition(),
        };
        let mut definitions = Vec::new();
        for folder in folders {
            definitions.extend(documents_in(&folder)?);
        }
        Ok(definitions)
    }
}

/// The definitions of all kinds, of every controller; ours, which are compared with upstream's when they are generated.
pub fn every_definition() -> Result<Vec<serde_json::Value>, String> {
    documents_in(&peers::workspace().join("crates/api/crds"))
}

const FLUX: &[(&str, &str)] = &[
    ("source-controller", "github.com/fluxcd/source-controller"),
    ("kustomize-controller", "github.com/fluxcd/kustomize-controller"),
];

/// A stale binary would test yesterday's code, so cargo is asked, once a process.
fn built() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--quiet", "--package", "sluice-cli", "--bin", "sluice"];
        let built = Command::new(cargo).args(arguments).current_dir(peers::workspace()).status();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| peers::workspace().join("target"), PathBuf::from);
        let program = target.join("debug/sluice");
        (built.is_ok_and(|status| status.success()) && program.is_file()).then_some(program)
    };
    BUILT.get_or_init(build).clone()
}

fn documents_in(folder: &Path) -> Result<Vec<serde_json::Value>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    paths.sort();
    let mut documents = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        documents.extend(yaml::documents(&text).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(documents)
}

impl Subject {
    /// Starts the controllers on a plane.
    pub fn start(kind: &Kind, plane: &Plane, options: &Options) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sluice-subject-").tempdir()?;
        crate::reaper::remove_at_end(folder.path());
        for name in ["storage", "tmp"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let mut ports = port::free(5)?;
        if let Some(port) = options.storage_port {
            ports[0] = port;
        }
        let mut subject = Self { processes: Vec::new(), folder, ports, kind: kind.clone() };
        subject.launch(plane, options)?;
        Ok(subject)
    }

    /// Starts the controllers once more, with the same folders and ports, after `kill` or `stop`.
    pub fn launch(&mut self, plane: &Plane, options: &Options) -> std::io::Result<()> {
        let storage = vec![
            format!("--storage-path={}", self.storage().display()),
            format!("--storage-addr={}", self.storage_host()),
            format!("--storage-adv-addr={}", self.storage_host()),
        ];
        let kubeconfig = options.kubeconfig.clone().unwrap_or_else(|| plane.kubeconfig());
        match self.kind.clone() {
            Kind::Flux => {
                let source = Command::new(peers::folder().join("source-controller"));
                self.add("source-controller", source, &kubeconfig, 1, &storage, options)?;
                let kustomize = Command::new(peers::folder().join("kustomize-controller"));
                self.add("kustomize-controller", kustomize, &kubeconfig, 3, &[], options)
            }
            Kind::Mixed { program } => {
                let source = Command::new(peers::folder().join("source-controller"));
                self.add("source-controller", source, &kubeconfig, 1, &storage, options)?;
                let mut command = Command::new(program);
                command.args(["run", "kustomize-controller"]);
                self.add("kustomize-controller", command, &kubeconfig, 3, &[], options)
            }
            Kind::Program { program, arguments } => {
                let mut command = Command::new(program);
                command.args(arguments);
                self.add("controllers", command, &kubeconfig, 1, &storage, options)
            }
        }
    }

    fn add(
        &mut self,
        name: &str,
        mut command: Command,
        kubeconfig: &Path,
        port: usize,
        storage: &[String],
        options: &Options,
    ) -> std::io::Result<()> {
        let path = self.folder.path().join(format!("{name}.log"));
        let log = std::fs::File::options().create(true).append(true).open(path)?;
        command
            .args(["--events-addr=", "--enable-leader-election=false", "--requeue-dependency=5s"])
            .arg(format!("--metrics-addr=127.0.0.1:{}", self.ports[port]))
            .arg(format!("--health-addr=127.0.0.1:{}", self.ports[port + 1]))
            .args(storage)
            .args(&options.flags)
            .env("KUBECONFIG", kubeconfig)
            .env("RUNTIME_NAMESPACE", "flux-system")
            .env("TMPDIR", self.temporary())
            .env("HOME", self.folder.path())
            .envs(options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.processes.push(Process::start(name, &mut command)?);
        Ok(())
    }

    /// Where artifacts are served.
    pub fn storage_host(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Where each controller's metrics are.
    pub fn metrics_urls(&self) -> Vec<String> {
        let ports: &[usize] = if self.processes.len() == 2 { &[1, 3] } else { &[1] };
        ports.iter().map(|at| format!("http://127.0.0.1:{}/metrics", self.ports[*at])).collect()
    }

    /// The folder of artifacts.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// The TMPDIR of the controllers.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub fn is_flux(&self) -> bool {
        self.kind == Kind::Flux
    }

    /// What the controllers have logged so far.
    pub fn log(&self) -> String {
        let read = |process: &Process| {
            std::fs::read_to_string(self.folder.path().join(format!("{}.log", process.name())))
                .unwrap_or_default()
        };
        self.processes.iter().map(read).collect()
    }

    /// A controller that has ended by itself: its name and the end of its log.
    pub fn ended(&mut self) -> Option<String> {
        let at = self.processes.iter_mut().position(Process::has_ended)?;
        let ended = &self.processes[at];
        let log = std::fs::read_to_string(self.folder.path().join(format!("{}.log", ended.name())))
            .unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        Some(format!(
            "{} ended by itself:\n{}",
            ended.name(),
            lines[lines.len().saturating_sub(20)..].join("\n")
        ))
    }

    /// Peak memory and processor time of all controllers together.
    pub fn usage(&self) -> Usage {
        let each = self.processes.iter().map(|process| Usage::of(process.id()));
        each.fold(Usage::default(), Usage::and)
    }

    /// Makes the controllers stand still.
    pub fn pause(&self) {
        self.processes.iter().for_each(Process::pause);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.processes.iter().for_each(Process::resume);
    }

    /// Ends the controllers at once, as a crash would; folders stay.
    pub fn kill(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
        self.processes.clear();
    }

    /// Asks the controllers to end; true if all did within `patience`.
    pub fn stop(&mut self, patience: std::time::Duration) -> bool {
        let mut all = true;
        for process in &mut self.processes {
            all &= process.stop(patience);
        }
        self.processes.clear();
        all
    }
}
