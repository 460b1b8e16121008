//! Where the reference programs are. They are built by `cargo xtask peers`; without them tests skip and say so.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The folder of the checkout.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/testkit is in the workspace")
        .to_path_buf()
}

/// The folder of the built programs: SLUICE_PEERS, or `target/peers`.
pub fn folder() -> PathBuf {
    std::env::var_os("SLUICE_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from)
}

/// A built program, if it is there.
pub fn find(name: &str) -> Option<PathBuf> {
    Some(folder().join(name)).filter(|path| path.is_file())
}

/// The source folder of a peer's Go module (its CRDs are there); needs Go and the module downloaded.
pub fn module_folder(peer: &str, module: &str) -> Option<PathBuf> {
    let got = std::process::Command::new("go")
        .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])
        .current_dir(workspace().join("peers").join(peer))
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(got.stdout).ok()?.trim());
    (got.status.success() && path.is_dir()).then_some(path)
}

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Says that a test was left out and why, with the count so far in this run.
pub fn skip(test: &str, reason: &str) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // Straight to the terminal: the test harness swallows what a passing test prints.
    use std::io::Write;
    let line = format!("skipped {test}: {reason} ({count} skipped so far)\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = std::env::var_os("SLUICE_SKIPPED") {
        let opened = std::fs::File::options().create(true).append(true).open(file);
        let _ = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
