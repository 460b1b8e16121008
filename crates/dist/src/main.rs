//! `dist PROGRAM OUT [--repository NAME]`: what ships, made of a built program: an image, a list of parts, checksums.
//!
//! The same program gives the same bytes: times are those of the commit, and nothing is in random order.
#![allow(clippy::disallowed_methods, reason = "a face: it starts programs and reads the environment")]
#![allow(clippy::print_stdout, reason = "a face: it talks to a person")]

mod elf;
mod image;
mod layout;
mod parts;
mod sums;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use jiff::Timestamp;

type Outcome<T = ()> = Result<T, String>;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let (program, out, repository) = match arguments {
        [program, out] => (program, out, None),
        [program, out, flag, name] if flag == "--repository" => (program, out, Some(name.as_str())),
        _ => return Err("usage: dist PROGRAM OUT [--repository NAME]".to_owned()),
    };
    let (program, out) = (Path::new(program), PathBuf::from(out));
    let bytes = std::fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    let architecture = elf::check(&bytes).map_err(|why| format!("{}: {why}", program.display()))?;
    // What an earlier run left there would be in the checksums.
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    std::fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let created = committed_at();

    let name = format!("sluice-{VERSION}-linux-{architecture}");
    write(&out.join(&name), &bytes)?;
    make_executable(&out.join(&name))?;
    let image = image::build(&bytes, architecture, created);
    let digest = layout::write(&out.join("image"), &image)?;
    let parts = parts::document(created)?;
    write(&out.join(format!("sluice-{VERSION}.spdx.json")), parts.as_bytes())?;
    if let Some(repository) = repository {
        let manifests = manifests(program, &format!("{repository}@{digest}"))?;
        write(&out.join("gotk-components.yaml"), manifests.as_bytes())?;
    }
    let sums = sums::of(&out)?;
    write(&out.join("SHA256SUMS"), sums.as_bytes())?;
    println!("{}: {name}, {} MiB", out.display(), bytes.len().div_ceil(1024 * 1024));
    println!("image {digest}, {} MiB, as an OCI image layout in image/", image.size().div_ceil(1024 * 1024));
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn make_executable(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, permissions).map_err(|error| format!("{}: {error}", path.display()))
}

/// The manifests of an installation of this image, as the program itself writes them.
fn manifests(program: &Path, image: &str) -> Outcome<String> {
    let mut command = Command::new(program);
    command.args(["install", "--export", "--image", image]);
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("install --export: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|_| "install --export: its output is not text".to_owned())
}

/// When what is built was committed: SOURCE_DATE_EPOCH, else the time of the last commit, else 1970.
fn committed_at() -> Timestamp {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok();
    let seconds = told.or_else(|| {
        let output = Command::new("git").args(["log", "-1", "--format=%ct"]).output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    let seconds = seconds.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or_default()
}
