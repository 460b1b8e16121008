//! `cargo run -p sluice-helm --example template -- NAME CHART [-f FILE] [--set LINE] ...`: what the engine makes of a chart.
//! A small stand-in for the command line, for trying the engine and for measuring it.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use std::path::Path;
use std::process::ExitCode;

use sluice_budget::Budget;
use sluice_helm::chart::{Chart, Limits, archive, folder};
use sluice_helm::command::Environment;
use sluice_helm::command::template::{TemplateArgs, template};
use sluice_helm::values::options::Options;
use sluice_tree::Folder;

fn main() -> ExitCode {
    let worker = std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap();
    match worker.join().unwrap() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut args = TemplateArgs { namespace: "default".into(), ..TemplateArgs::default() };
    let mut options = Options::default();
    let mut plain = Vec::new();
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("flag needs an argument: {arg}"));
        match arg.as_str() {
            "-f" | "--values" => {
                let name = value()?;
                let content = std::fs::read(&name).map_err(|error| format!("open {name}: {error}"))?;
                options.files.push((name, content));
            }
            "--set" => options.set.push(value()?),
            "--set-string" => options.string.push(value()?),
            "--set-json" => options.json.push(value()?),
            "--set-file" => options.file.push(value()?),
            "--set-literal" => options.literal.push(value()?),
            "-n" | "--namespace" => args.namespace = value()?,
            "--kube-version" => args.kube_version = Some(value()?),
            "-a" | "--api-versions" => args.api_versions.extend(value()?.split(',').map(str::to_owned)),
            "-s" | "--show-only" => args.show_only.push(value()?),
            "--include-crds" => args.include_crds = true,
            "--is-upgrade" => args.is_upgrade = true,
            "--skip-tests" => args.skip_tests = true,
            "--no-hooks" => args.no_hooks = true,
            "--skip-schema-validation" => args.skip_schema_validation = true,
            "--debug" => args.debug = true,
            _ => plain.push(arg),
        }
    }
    let [name, chart] = plain.as_slice() else { return Err("need NAME and CHART".to_owned()) };
    args.name.clone_from(name);
    let read = |name: &str| {
        std::fs::read(name)
            .map(|data| String::from_utf8_lossy(&data).into_owned())
            .map_err(|error| format!("open {name}: {error}"))
    };
    let values = options.merge(&read).map_err(|error| error.to_string())?;
    let chart = load(Path::new(chart))?;
    let budget = Budget::generous();
    let random = |bytes: &mut [u8]| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).unwrap();
    };
    let environment = Environment {
        budget: &budget,
        now: jiff::Zoned::now(),
        random: &random,
        hooks: &sluice_gotmpl::NoHooks,
    };
    let output = template(&chart, &values, &args, &environment, None).map_err(|error| error.to_string())?;
    print!("{}", output.text);
    output.error.map_or(Ok(()), Err)
}

fn load(path: &Path) -> Result<Chart, String> {
    let limits = Limits::default();
    let full = std::fs::canonicalize(path).map_err(|_| format!("path {:?} not found", path.display()))?;
    if full.is_dir() {
        let tree = Folder::open(Path::new("/"), sluice_tree::Limits::default())
            .map_err(|error| error.to_string())?;
        return folder::load(&tree, &full.to_string_lossy(), &limits).map_err(|error| error.to_string());
    }
    let data = std::fs::read(&full).map_err(|error| error.to_string())?;
    archive::check_content(&path.to_string_lossy(), &data).map_err(|error| error.to_string())?;
    Chart::load_archive(&data, &limits).map_err(|error| error.to_string())
}
