//! Control planes on loopback, without nodes: the real one (etcd without fsync, kube-apiserver,
//! kube-controller-manager), and the embedded one (our own server in this process).
//!
//! Each plane has its own folder, ports and certificate authority. It deliberately offers no shortcut past the API.

mod authority;
mod embedded;
mod programs;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::{api::Api, peers, port, reaper};

/// What can keep a plane from starting.
#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    #[error("{0} is not built (cargo xtask peers etcd kubernetes)")]
    NotBuilt(&'static str),
    #[error("starting the control plane")]
    Start(#[from] std::io::Error),
    #[error("making the plane's certificates")]
    Certificates(#[from] rcgen::Error),
    #[error("{name} ended while the plane started:\n{log}")]
    Ended { name: String, log: String },
    #[error("the plane was not ready after {0:?}:\n{1}")]
    NotReady(Duration, String),
    #[error("starting the embedded server")]
    Embedded(#[from] sluice_apiserver::ServeError),
}

/// Whose API server a plane has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Real,
    Embedded,
}

impl Sort {
    /// What SLUICE_PLANE says (`real`, `embedded`), else the real one where it is built.
    pub fn chosen() -> Self {
        match std::env::var("SLUICE_PLANE").as_deref() {
            Ok("embedded") => Self::Embedded,
            Ok("real") => Self::Real,
            _ if Plane::is_built() => Self::Real,
            _ => Self::Embedded,
        }
    }

    /// `real` or `embedded`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "embedded" => Ok(Self::Embedded),
            other => Err(format!("there is no {other:?} plane (real, embedded)")),
        }
    }
}

/// Choices a test has.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which plane; the chosen one where this is left open.
    pub sort: Option<Sort>,
    /// Leave kube-controller-manager out (no garbage collection, no namespace deletion, no ReplicaSets).
    pub without_controllers: bool,
    /// Further flags of kube-apiserver.
    pub apiserver_flags: Vec<String>,
    /// Go's GOGC for the plane's programs: how much they may grow, in percent, before they collect garbage.
    pub gogc: Option<u32>,
}

/// A running control plane.
#[derive(Debug)]
pub struct Plane {
    folder: PathBuf,
    url: String,
    /// PEM.
    authority: String,
    token: String,
    processes: Vec<reaper::Process>,
    /// How each of the processes was started.
    commands: Vec<Command>,
    _embedded: Option<embedded::Embedded>,
}

/// Control planes start slowly on a busy machine; this is only where a start is given up.
const PATIENCE: Duration = Duration::from_mins(2);

impl Plane {
    /// True if the programs of a real plane are built.
    pub fn is_built() -> bool {
        programs::NAMES.iter().all(|name| peers::find(name).is_some())
    }

    /// Starts a plane of one's own. Ready when this returns.
    pub fn start(options: &Options) -> Result<Self, PlaneError> {
        let folder = tempfile::Builder::new().prefix("sluice-plane-").tempdir()?.keep();
        reaper::remove_at_end(&folder);
        Self::start_in(&folder, options)
    }

    /// The plane that all tests of one test binary share, each in namespaces of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Plane> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&Options::default()).expect("a control plane starts"))
    }

    /// Starts a plane whose files are in `folder`, which stays.
    pub fn start_in(folder: &Path, options: &Options) -> Result<Self, PlaneError> {
        if options.sort.unwrap_or_else(Sort::chosen) == Sort::Embedded {
            return Self::embedded(folder, options);
        }
        for name in programs::NAMES {
            peers::find(name).ok_or(PlaneError::NotBuilt(name))?;
        }
        std::fs::create_dir_all(folder)?;
        let mut last = None;
        for _attempt in 0..3 {
            match Self::attempt(folder, options) {
                Err(error @ PlaneError::Ended { .. }) => last = Some(error), // most likely a port taken by another
                done => return done,
            }
        }
        Err(last.expect("the loop ran"))
    }

    fn embedded(folder: &Path, options: &Options) -> Result<Self, PlaneError> {
        std::fs::create_dir_all(folder)?;
        let (embedded, address) = embedded::Embedded::start(folder, !options.without_controllers)?;
        Ok(Self {
            folder: folder.to_owned(),
            url: address.url,
            authority: address.authority,
            token: address.token,
            processes: Vec::new(),
            commands: Vec::new(),
            _embedded: Some(embedded),
        })
    }

    fn attempt(folder: &Path, options: &Options) -> Result<Self, PlaneError> {
        let ports = port::free(4)?;
        let authority = authority::write(folder)?;
        let token = "plane-administrator".to_owned();
        let mut plane = Self {
            folder: folder.to_owned(),
            url: format!("https://127.0.0.1:{}", ports[2]),
            authority,
            token,
            processes: Vec::new(),
            commands: Vec::new(),
            _embedded: None,
        };
        std::fs::write(folder.join("tokens.csv"), format!("{},admin,admin,system:masters\n", plane.token))?;
        std::fs::write(plane.kubeconfig(), plane.kubeconfig_for(&plane.url, None))?;
        let mut commands = vec![
            ("etcd", programs::etcd(folder, &ports)),
            ("kube-apiserver", programs::apiserver(folder, &ports, options)),
        ];
        if !options.without_controllers {
            commands.push(("kube-controller-manager", programs::controllers(folder, &ports)));
        }
        for (name, mut command) in commands {
            let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            if let Some(percent) = options.gogc {
                command.env("GOGC", percent.to_string());
            }
            plane.processes.push(reaper::Process::start(name, &mut command)?);
            plane.commands.push(command);
        }
        plane.wait_until_ready()?;
        Ok(plane)
    }

    /// The API server is asked, each program's end is noticed.
    fn wait_until_ready(&mut self) -> Result<(), PlaneError> {
        let api = self.api();
        // A thread of its own: the caller may be inside a runtime already.
        let (folder, processes) = (self.folder.clone(), &mut self.processes);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let begun = std::time::Instant::now();
                runtime.block_on(async {
                    loop {
                        let is_ready = api.is_ready().await;
                        if let Some(process) =
                            processes.iter_mut().find_map(|p| p.has_ended().then(|| p.name().to_owned()))
                        {
                            return Err(PlaneError::Ended { log: tail(&folder, &process), name: process });
                        }
                        if is_ready {
                            return Ok(());
                        }
                        if begun.elapsed() > PATIENCE {
                            return Err(PlaneError::NotReady(PATIENCE, tail(&folder, "kube-apiserver")));
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                })
            });
            waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// An administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// A kubeconfig for this plane behind another address (a proxy), or with another token.
    pub fn kubeconfig_for(&self, url: &str, token: Option<&str>) -> String {
        authority::kubeconfig(url, &self.authority, token.unwrap_or(&self.token))
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Where the plane keeps its files and logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client with an administrator's rights; one a test, since connections belong to a test's runtime.
    pub fn api(&self) -> Api {
        Api::new(&self.url, self.authority.as_bytes(), &self.token)
    }

    /// One of the programs of a real plane.
    pub fn program(&mut self, name: &str) -> Option<&mut reaper::Process> {
        self.processes.iter_mut().find(|process| process.name() == name)
    }

    /// Starts a program again in its old place, which it leaves first where it is not dead yet. Ready when this returns.
    pub fn start_again(&mut self, name: &str) -> Result<(), PlaneError> {
        let at = self.processes.iter().position(|process| process.name() == name);
        if let Some(at) = at {
            self.processes[at].kill();
            self.processes[at] = reaper::Process::start(name, &mut self.commands[at])?;
        }
        self.wait_until_ready()
    }

    /// Resident memory (MiB) and processor time (s) of each program so far.
    pub fn usage(&self) -> Vec<(String, crate::plane::Usage)> {
        self.processes.iter().map(|process| (process.name().to_owned(), Usage::of(process.id()))).collect()
    }
}

fn tail(folder: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// What a process has used, read from /proc.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub peak_memory_mib: f64,
    pub resident_mib: f64,
    pub processor_seconds: f64,
}

impl Usage {
    /// Of both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            peak_memory_mib: self.peak_memory_mib + other.peak_memory_mib,
            resident_mib: self.resident_mib + other.resident_mib,
            processor_seconds: self.processor_seconds + other.processor_seconds,
        }
    }

    /// Of a running process; zeros where it is gone.
    pub fn of(id: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let mib = |key: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(key));
            let kib = rest.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
            kib.unwrap_or_default() / 1024.0
        };
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        Self {
            peak_memory_mib: mib("VmHWM:"),
            resident_mib: mib("VmRSS:"),
            processor_seconds: (ticks(11) + ticks(12)) / 100.0,
        }
    }
}
