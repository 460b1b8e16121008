//! `build DIR`: the library as a drop-in for `kustomize build`, for measuring and comparing whole processes.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Outcome, Reorder};
use sluice_tree::{Folder, Limits};

fn main() -> ExitCode {
    let (mut reorder, mut unrestricted, mut threads) = (Reorder::Legacy, false, 1);
    let mut folder = ".".to_owned();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--reorder" => {
                if args.next().as_deref() == Some("none") {
                    reorder = Reorder::None;
                }
            }
            "--threads" => threads = args.next().and_then(|number| number.parse().ok()).unwrap_or(1),
            "--load-restrictor" => unrestricted = args.next().as_deref() == Some("LoadRestrictionsNone"),
            _ => folder = arg,
        }
    }
    let whole = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        let options = Options { reorder, unrestricted, remote: false, threads, ..Options::default() };
        let tree = Folder::open(Path::new("/"), Limits::default()).map_err(|error| error.to_string())?;
        let folder = std::path::absolute(&folder).map_err(|error| error.to_string())?;
        let folder = folder.to_string_lossy().into_owned();
        let outcome =
            sluice_kustomize::build(&tree, &folder, &options, &Answers::default(), &Budget::generous())
                .map_err(|error| error.to_string())?;
        match outcome {
            Outcome::Done(built) => built.to_yaml(threads).map_err(|error| error.to_string()),
            Outcome::Need(asks) => Err(format!("needs {asks:?}")),
        }
    });
    let result = match whole.map(std::thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        _ => Err("panic".to_owned()),
    };
    match result {
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
