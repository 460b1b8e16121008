//! Starting other programs: the command is shown when it fails, its output goes where ours goes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace that this program was compiled in.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_path_buf()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Runs to the end; a failure names the command.
pub fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{}: {status}", shown(command))),
        Err(error) => Err(format!("{}: {error}", shown(command))),
    }
}

/// Runs to the end and gives its standard output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let got = command.output().map_err(|error| format!("{}: {error}", shown(command)))?;
    if !got.status.success() {
        return Err(format!("{}: {}\n{}", shown(command), got.status, String::from_utf8_lossy(&got.stderr)));
    }
    String::from_utf8(got.stdout).map_err(|_| format!("{}: its output is not text", shown(command)))
}

/// `cargo ARGUMENTS` in the workspace.
pub fn cargo(arguments: &[&str]) -> Result<(), String> {
    run(Command::new(cargo_program()).args(arguments).current_dir(workspace()))
}

/// A binary of one of our packages, with the caller's working folder.
pub fn binary(package: &str, name: &str, arguments: &[String]) -> Result<(), String> {
    run(Command::new(cargo_program())
        .args(["run", "--quiet", "--package", package, "--bin", name, "--"])
        .args(arguments))
}

pub fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}
