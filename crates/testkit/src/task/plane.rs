//! `plane up|down`: a control plane of one's own in `target/plane`, kept by a process in the background.
//!
//! `up` starts itself once more as the keeper, which holds the plane until `down` ends it; so nothing is left behind.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use sluice_testkit::peers;
use sluice_testkit::plane::{Options, Plane};

fn folder() -> PathBuf {
    peers::workspace().join("target/plane")
}

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    match arguments.first().map(String::as_str) {
        Some("up") => up(),
        Some("down") => down(),
        Some("keep") => keep(),
        _ => Err("plane up or plane down?".to_owned()),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn up() -> Result<(), String> {
    down()?;
    std::fs::create_dir_all(folder()).map_err(|error| error.to_string())?;
    let log = std::fs::File::create(folder().join("keeper.log")).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut keeper = Command::new(program)
        .args(["plane", "keep"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|error| error.to_string())?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())?;
    std::fs::write(folder().join("keeper.pid"), keeper.id().to_string())
        .map_err(|error| error.to_string())?;
    loop {
        if folder().join("ready").exists() {
            println!("export KUBECONFIG={}", folder().join("kubeconfig").display());
            return Ok(());
        }
        if let Ok(Some(_)) = keeper.try_wait() {
            return Err(std::fs::read_to_string(folder().join("keeper.log")).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn down() -> Result<(), String> {
    if let Ok(id) = std::fs::read_to_string(folder().join("keeper.pid")) {
        // Only if it is still our keeper: process ids come again.
        let command = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if command.contains("plane\0keep") {
            let _ = Command::new("kill").args(["-9", &id]).status();
        }
    }
    match std::fs::remove_dir_all(folder()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Holds the plane. When this process is killed, the guardian of its children ends them.
fn keep() -> Result<(), String> {
    let _plane = Plane::start_in(&folder(), &Options::default()).map_err(|error| error.to_string())?;
    std::fs::write(folder().join("ready"), "").map_err(|error| error.to_string())?;
    loop {
        std::thread::park();
    }
}
