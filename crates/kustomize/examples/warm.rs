//! `warm TREE FOLDER FILE OTHER TIMES`: builds a folder of a tree, then changes one file again and again between its own
//! text and another one, and prints the median of the milliseconds that building again took, text included.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Incremental, Options, Outcome};
use sluice_tree::{Folder, Limits};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(milliseconds) => {
            println!("{milliseconds}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<f64, String> {
    let [root, folder, file, other, times] = arguments else {
        return Err("usage: warm TREE FOLDER FILE OTHER TIMES".to_owned());
    };
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let place = Path::new(root).join(file);
    let texts = [read(&place)?, read(Path::new(other))?];
    let times: usize = times.parse().map_err(|_| "TIMES is a number")?;
    let tree = Folder::open(Path::new(root), Limits::default()).map_err(|error| error.to_string())?;
    let mut incremental = Incremental::default();
    let options = Options { remote: false, ..Options::default() };
    let outcome = incremental
        .whole(&tree, folder, &options, &Answers::default(), &Budget::generous())
        .map_err(|error| error.to_string())?;
    let Outcome::Done(built) = outcome else { return Err("the build asks for something".to_owned()) };
    let mut shown: Vec<String> = Vec::with_capacity(built.objects.len());
    for object in &built.objects {
        shown.push(object.to_yaml().map_err(|error| error.to_string())?);
    }
    let mut took = Vec::with_capacity(times);
    for time in 1..=times {
        std::fs::write(&place, &texts[time % 2]).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        let objects = incremental
            .again(&tree, &[file.as_str()], &Budget::generous())
            .map_err(|error| error.to_string())?
            .ok_or("the change needs a whole build")?;
        for (at, object) in &objects {
            shown[*at] = object.to_yaml().map_err(|error| error.to_string())?;
        }
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    // The last text is held against a build of its own.
    let outcome = sluice_kustomize::build(&tree, folder, &options, &Answers::default(), &Budget::generous());
    let Ok(Outcome::Done(built)) = outcome else { return Err("the whole build fails".to_owned()) };
    if built.to_yaml(1).map_err(|error| error.to_string())? != shown.join("---\n") {
        return Err("building again and building as a whole differ".to_owned());
    }
    took.sort_by(f64::total_cmp);
    Ok(took[took.len() / 2])
}
