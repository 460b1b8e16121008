//! Writes `crds/*.yaml`: the structure recorded in `schema/*.json` joined with the doc comments of the Rust types.
//!
//! `crds` writes, `crds --check` compares, `crds record FILE...` records the structure of upstream's CRDs anew.
#![allow(clippy::print_stdout, reason = "a face: it talks to a person")]

mod generate;
mod rust_types;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let outcome = match arguments.split_first() {
        Some((verb, files)) if verb == "record" => {
            files.iter().try_for_each(|file| record(&root, Path::new(file)))
        }
        Some((flag, [])) if flag == "--check" => write(&root, true),
        None => write(&root, false),
        _ => Err("crds [--check] | crds record FILE...".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("crds: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(root: &Path, file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (name, structure) =
        generate::structure_of(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let target = root.join("schema").join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(&structure).map_err(|error| error.to_string())?;
    std::fs::write(&target, text + "\n").map_err(|error| format!("{}: {error}", target.display()))
}

fn write(root: &Path, check: bool) -> Result<(), String> {
    for (name, text) in generate::all(root)? {
        let target = root.join("crds").join(&name);
        if std::fs::read_to_string(&target).is_ok_and(|current| current == text) {
            continue;
        }
        if check {
            return Err(format!("crds/{name} is not what `cargo xtask codegen` writes"));
        }
        std::fs::write(&target, text).map_err(|error| format!("{}: {error}", target.display()))?;
    }
    Ok(())
}
