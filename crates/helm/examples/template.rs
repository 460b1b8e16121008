//! `cargo run -p sluice-helm --example template -- NAME CHART [-f FILE] [--set LINE] ...`: what the engine makes of a chart.
//! A small stand-in for the command line, for trying the engine and for measuring it.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../tests/words.rs"]
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sluice_helm::build;
use sluice_helm::command::Environment;
use sluice_helm::command::template::template_traced;
use sluice_helm::render::RenderCache;

fn main() -> ExitCode {
    let worker = std::thread::Builder::new().stack_size(sluice_helm::build::STACK).spawn(run).unwrap();
    match worker.join().unwrap() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let base = Path::new("");
    let words = words::parse(&given, base)?;
    let read = |name: &str| {
        let data = std::fs::read(name).map_err(|error| format!("open {name}: {error}"))?;
        Ok(String::from_utf8_lossy(&data).into_owned())
    };
    let values = words.options.merge(&read).map_err(|error| error.to_string())?;
    let mut second = None;
    let chart = Arc::new(words::load(&words.chart, base, Some(&mut second))?);
    let mut cache = RenderCache::on_two_threads(&chart, second);
    let budget = build::budget();
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
    let output = template_traced(&chart, &values, &words.args, &environment, None, &mut cache, None)
        .map_err(|error| error.to_string())?;
    output.text.write_to(&mut std::io::stdout()).map_err(|error| error.to_string())?;
    output.error.map_or(Ok(()), Err)
}
