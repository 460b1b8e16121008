//! What `cargo xtask bench helm` measures inside of one process:
//! `measure renders CHART COUNT THREADS` (one chart with ever other values) and `measure index FILE NAME RANGE`.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../tests/words.rs"]
#[allow(dead_code, reason = "only the loading of charts is wanted")]
mod words;

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use sluice_helm::build::{self, BuildOptions, Strategy, build_cached};
use sluice_helm::capabilities::Capabilities;
use sluice_helm::chart::Chart;
use sluice_helm::index;
use sluice_helm::render::{ReleaseOptions, RenderCache};

/// What the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = given.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["renders", chart, count, threads] => renders(chart, count, threads),
        ["index", file, name, range] => pick(file, name, range),
        _ => Err("measure renders CHART COUNT THREADS | measure index FILE NAME RANGE".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Renders a second, over all threads; each thread parses the templates once.
fn renders(chart: &str, count: &str, threads: &str) -> Result<(), String> {
    let count: usize = count.parse().map_err(|_| "COUNT is a number")?;
    let threads: usize = threads.parse().map_err(|_| "THREADS is a number")?;
    let chart = words::load(chart, Path::new(""), None)?;
    let begun = Instant::now();
    let bytes = std::thread::scope(|scope| {
        let start = |first: usize| {
            let chart = &chart;
            std::thread::Builder::new()
                .stack_size(sluice_helm::build::STACK)
                .spawn_scoped(scope, move || share(chart, first, count, threads))
                .unwrap()
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum::<Result<usize, String>>()
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:.1} renders a second, {bytes} bytes", count as f64 / seconds);
    Ok(())
}

fn share(chart: &Chart, first: usize, count: usize, threads: usize) -> Result<usize, String> {
    let mut cache = RenderCache::default();
    let mut random = File::open("/dev/urandom").unwrap();
    let random = std::cell::RefCell::new(&mut random);
    let random = |bytes: &mut [u8]| random.borrow_mut().read_exact(bytes).unwrap();
    let mut bytes = 0;
    for number in (first..count).step_by(threads) {
        let values = json!({
            "nameOverride": format!("name-{number}"),
            "commonLabels": {"number": format!("n{number}")},
            "global": {"number": number},
        });
        let options = BuildOptions {
            release: ReleaseOptions {
                name: format!("r{number}"),
                namespace: "default".into(),
                revision: 1,
                is_upgrade: false,
            },
            capabilities: &Capabilities::default(),
            budget: &build::budget(),
            now: jiff::Zoned::now(),
            random: &random,
            hooks: &sluice_gotmpl::NoHooks,
            skip_schema_validation: false,
            include_crds: false,
            subchart_notes: false,
            hide_secrets: false,
            strategy: Strategy::default(),
        };
        let built = build_cached(chart, values.as_object().unwrap(), &options, None, &mut cache)
            .map_err(|error| error.to_string())?;
        bytes += built.manifest.len();
    }
    Ok(bytes)
}

/// The version of one chart, from one pass over the index.
fn pick(file: &str, name: &str, range: &str) -> Result<(), String> {
    let mut input = BufReader::with_capacity(256 << 10, File::open(file).map_err(|error| error.to_string())?);
    let versions = index::versions_in(&mut input, name).map_err(|error| error.to_string())?;
    let chosen = index::choose(&versions, name, range).map_err(|error| error.to_string())?;
    println!("{}-{} of {}", chosen.metadata.name, chosen.metadata.version, versions.len());
    Ok(())
}
