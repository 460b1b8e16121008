//! Charts and files from this machine's disk, bounded; and what else a render may know of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::ToSocketAddrs;
use std::path::Path;

use serde_json::{Map, Value};
use sluice_gotmpl::Hooks;
use sluice_helm::build;
use sluice_helm::chart::archive::{self, ArchiveError};
use sluice_helm::chart::{Chart, ChartError, Limits, folder};
use sluice_helm::command::Environment;
use sluice_helm::render::Second;
use sluice_helm::values::options::Options;
use sluice_tree::{Folder, Memory};

use super::words::{FetchArgs, Global, ValueArgs};
use super::{failed, log, verify};
use crate::clock;
use crate::environment;
use crate::error::{CliError, CliResult};
use crate::files;
use crate::ui::Ui;

/// No file that is given as a flag or chart is larger.
const MAX_FILE: u64 = 100 << 20;

/// A file's bytes; the error is in Go's words.
pub fn read(name: &str) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut data)
    } else {
        File::open(name).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut data))
    };
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {name}: no such file or directory"),
        _ => format!("open {name}: {error}"),
    })?;
    if data.len() as u64 > MAX_FILE {
        Err(format!("{name} is larger than {MAX_FILE} bytes"))
    } else {
        Ok(data)
    }
}

/// Randomness from the operating system.
pub fn random(bytes: &mut [u8]) {
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(bytes))
        .expect("the operating system has randomness");
}

/// What templates may ask this machine: time zones, and addresses where that is allowed.
struct Machine {
    dns: bool,
}

impl Hooks for Machine {
    fn host_by_name(&self, name: &str) -> String {
        if !self.dns {
            return String::new();
        }
        let found = (name, 0).to_socket_addrs().ok().and_then(|mut found| found.next());
        found.map(|address| address.ip().to_string()).unwrap_or_default()
    }

    fn lint(&self, message: &str) {
        let message = format!(" message={}", log::quoted(message));
        Ui::stdio().note(&log::line("WARN", "missing required value", &message));
    }

    fn zone(&self, name: &str) -> Option<jiff::tz::TimeZone> {
        jiff::tz::TimeZone::get(name).ok()
    }
}

pub fn with_environment<T>(dns: bool, run: impl FnOnce(&Environment<'_>) -> T) -> T {
    let budget = build::budget();
    let random = |bytes: &mut [u8]| random(bytes);
    let hooks = Machine { dns };
    run(&Environment { budget: &budget, now: clock::now(), random: &random, hooks: &hooks })
}

/// The values that the flags give.
pub fn merged(args: &ValueArgs) -> CliResult<Map<String, Value>> {
    let mut options = Options {
        json: args.set_json.clone(),
        set: args.set.clone(),
        string: args.set_string.clone(),
        file: args.set_file.clone(),
        literal: args.set_literal.clone(),
        ..Options::default()
    };
    for name in &args.values {
        options.files.push((name.clone(), read(name).map_err(CliError::new)?));
    }
    let read = |name: &str| read(name).map(|data| String::from_utf8_lossy(&data).into_owned());
    options.merge(&read).map_err(failed)
}

/// The namespace that is asked for, else that of the kubeconfig's context.
pub fn namespace(global: &Global) -> String {
    if let Some(namespace) = global.namespace.as_ref().filter(|text| !text.is_empty()) {
        return namespace.clone();
    }
    let files = match &global.kubeconfig {
        Some(paths) => paths.clone(),
        None => environment::non_empty("HOME").map(|home| format!("{home}/.kube/config")).unwrap_or_default(),
    };
    let configs: Vec<Value> = files
        .split(':')
        .filter_map(|path| fs::read(path).ok())
        .filter(|data| data.len() as u64 <= MAX_FILE)
        .filter_map(|data| sluice_yaml::json::from_yaml(data).ok())
        .collect();
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let context = global
        .kube_context
        .clone()
        .or_else(|| configs.iter().find_map(|config| text(&config["current-context"])));
    let contexts = configs.iter().filter_map(|config| config["contexts"].as_array()).flatten();
    let found = contexts
        .filter(|entry| context.is_some() && entry["name"].as_str() == context.as_deref())
        .find_map(|entry| text(&entry["context"]["namespace"]));
    found.unwrap_or_else(|| "default".to_owned())
}

/// Charts from elsewhere come with the sources.
pub fn check_fetch(chart: &str, fetch: &FetchArgs) -> CliResult {
    if let Some(repository) = fetch.repo.as_ref().filter(|text| !text.is_empty()) {
        let text =
            format!("--repo {repository} is not supported: charts are not fetched over the network here");
        return Err(CliError::new(text));
    }
    if Path::new(chart).exists() {
        if fetch.verify {
            let chart = std::path::absolute(chart)?;
            verify::check(&chart.display().to_string(), fetch.keyring.as_deref())?;
        }
        return Ok(());
    }
    if let Some((scheme, _)) = chart.split_once("://") {
        let text = format!("{chart}: charts are not fetched over the network here (scheme {scheme})");
        return Err(CliError::new(text));
    }
    if chart.starts_with(['.', '/']) {
        return Err(CliError::new(format!("path {chart:?} not found")));
    }
    Err(CliError::new(match chart.split_once('/') {
        None | Some((_, "")) => {
            format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {chart}")
        }
        Some((repository, _)) => format!("repo {repository} not found"),
    }))
}

/// Helm's word where a folder is no chart and nothing is rendered.
pub fn check_chartfile(chart: &str) -> CliResult {
    let path = Path::new(chart);
    if path.is_dir() && !path.join("Chart.yaml").exists() {
        return Err(CliError::new("Chart.yaml file is missing"));
    }
    Ok(())
}

/// The whole disk as a view, and the chart's place in it: links of a person's own charts may lead anywhere.
pub fn tree(chart: &str) -> CliResult<(Folder, String)> {
    let full = fs::canonicalize(chart).map_err(|_| CliError::new(format!("path {chart:?} not found")))?;
    if !full.is_dir() {
        return Err(CliError::new(format!("{chart:?} is not a directory")));
    }
    Ok((files::disk()?, full.to_string_lossy().into_owned()))
}

/// An archive's files in memory, and the chart's place among them.
pub fn unpacked(path: &str) -> Result<(Memory, String), String> {
    let data = read(path).map_err(|error| format!("unable to open tarball: {error}"))?;
    let files = archive::unpack(&data, &Limits::default())
        .map_err(|error| format!("unable to extract tarball: {error}"))?;
    let mut tree = Memory::default();
    for file in files {
        tree.insert(&format!("chart/{}", file.name), file.data.to_vec())
            .map_err(|error| error.to_string())?;
    }
    Ok((tree, "chart".to_owned()))
}

/// Loads a chart from a folder or an archive.
pub fn load(chart: &str) -> CliResult<Chart> {
    load_ahead(chart, None)
}

/// The same; `second` is begun for a folder of many files.
pub fn load_ahead(chart: &str, second: Option<&mut Option<Second>>) -> CliResult<Chart> {
    let full = fs::canonicalize(chart).map_err(|_| CliError::new(format!("path {chart:?} not found")))?;
    if full.is_dir() {
        let path = full.to_string_lossy();
        return folder::load_ahead(&files::disk()?, &path, &Limits::default(), &|_| None, second)
            .map_err(|error| CliError::new(error.to_string()));
    }
    let name = full.to_string_lossy();
    let data = read(&name).map_err(CliError::new)?;
    archive::check_content(&name, &data).map_err(|error| CliError::new(error.to_string()))?;
    Chart::load_archive(&data, &Limits::default()).map_err(|error| {
        CliError::new(match error {
            ChartError::Archive(ArchiveError::NotGzip) => {
                format!("file '{name}' does not appear to be a valid chart file (details: {error})")
            }
            ChartError::Archive(_) => "unable to load chart archive".to_owned(),
            other => other.to_string(),
        })
    })
}

/// Loads a chart from a folder with the times of its files.
pub fn load_with_times(chart: &str) -> CliResult<Chart> {
    let (tree, path) = tree(chart)?;
    let modified = |path: &str| {
        let time = fs::metadata(path).ok()?.modified().ok()?;
        jiff::Timestamp::try_from(time).ok()
    };
    folder::load_with_times(&tree, &path, &Limits::default(), &modified)
        .map_err(|error| CliError::new(error.to_string()))
}

/// The names of the files in a folder, sorted.
pub fn archives(folder: &Path) -> CliResult<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Writes a file, or appends to it; folders on the way are made.
pub fn write(path: &Path, data: &[u8], append: bool) -> CliResult {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = if append { OpenOptions::new().append(true).open(path)? } else { File::create(path)? };
    Ok(file.write_all(data)?)
}
