//! `helm dependency`: what a chart needs; built from charts that lie beside it.

use std::path::{Path, PathBuf};

use sluice_helm::chart::{Chart, Dependency, pack};
use sluice_helm::command::dependency;
use sluice_version::{Constraint, Version};

use super::words::DependencyCommand;
use super::{failed, source};
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, command: DependencyCommand) -> CliResult {
    let chart_of = |words: &[String]| words.first().map_or(".", String::as_str).to_owned();
    match command {
        DependencyCommand::List { words, max_col_width } => list(ui, &chart_of(&words), max_col_width),
        DependencyCommand::Build(args) => build(ui, &chart_of(&args.words)),
        DependencyCommand::Update(args) => update(ui, &chart_of(&args.words), false),
    }
}

fn list(ui: &Ui, chart: &str, max_width: usize) -> CliResult {
    let path = Path::new(chart);
    if !path.exists() {
        return Err(CliError::new(format!("stat {chart}: no such file or directory")));
    }
    source::check_chartfile(chart)?;
    let loaded = source::load(chart)?;
    let text = match source::tree(chart) {
        Ok((tree, path)) => dependency::list(&tree, &path, chart, &loaded, max_width),
        Err(_) => dependency::list(&sluice_tree::Memory::default(), "", chart, &loaded, max_width),
    };
    ui.print(&text)
}

/// The chart's folder with what is in it.
fn open(chart: &str) -> CliResult<Chart> {
    match std::fs::metadata(chart) {
        Err(_) => {
            Err(CliError::new(format!("could not find {chart}: stat {chart}: no such file or directory")))
        }
        Ok(found) if !found.is_dir() => Err(CliError::new("only unpacked charts can be updated")),
        Ok(_) => source::load(chart),
    }
}

fn build(ui: &Ui, path: &str) -> CliResult {
    let chart = open(path)?;
    let Some(lock) = &chart.lock else { return update(ui, path, false) };
    let needed: Vec<Dependency> = chart.metadata.dependencies().cloned().collect();
    refuse_network(&needed)?;
    if !dependency::is_lock_current(&chart) {
        let text = if chart.metadata.api_version == "v1" {
            "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please update the dependencies"
        } else {
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies with 'helm dependency update'"
        };
        return Err(CliError::new(text));
    }
    let mut locked: Vec<Dependency> = lock.dependencies.iter().flatten().flatten().cloned().collect();
    refuse_network(&locked)?;
    save(ui, path, &mut locked)
}

/// Finds what `Chart.yaml` asks for, puts it into `charts/` and writes the lock.
pub fn update(ui: &Ui, path: &str, quiet: bool) -> CliResult {
    let chart = open(path)?;
    if chart.metadata.dependencies.is_none() {
        return Ok(());
    }
    let needed: Vec<Dependency> = chart.metadata.dependencies().cloned().collect();
    refuse_network(&needed)?;
    let mut locked = resolve(path, &needed)?;
    let quiet_ui = Ui::silent();
    save(if quiet { &quiet_ui } else { ui }, path, &mut locked)?;
    let wrap = |all: &[Dependency]| all.iter().cloned().map(Some).collect::<Vec<_>>();
    let digest = dependency::lock_digest(&wrap(&needed), &wrap(&locked));
    if chart.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
        return Ok(());
    }
    let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
    let file = Path::new(path).join(name);
    if let Ok(target) = std::fs::read_link(&file) {
        return Err(CliError::new(format!(
            "the {name} file is a symlink to {:?}",
            target.display().to_string()
        )));
    }
    let lock = sluice_helm::chart::Lock {
        generated: jiff::Timestamp::now().to_string(),
        digest,
        dependencies: Some(wrap(&locked)),
    };
    source::write(&file, pack::lockfile(&lock).as_bytes(), false)
}

/// Charts that lie elsewhere come with the sources, not with this command.
fn refuse_network(dependencies: &[Dependency]) -> CliResult {
    for Dependency { name, repository, .. } in dependencies {
        if !repository.is_empty() && !repository.starts_with("file://") {
            let text = format!(
                "dependency {name} is in the repository {repository}: charts are not fetched over the network here; put its archive into charts/, or name a folder by file://"
            );
            return Err(CliError::new(text));
        }
    }
    Ok(())
}

fn local_path(repository: &str, chart: &str) -> CliResult<PathBuf> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let joined = if path.starts_with('/') { PathBuf::from(path) } else { Path::new(chart).join(path) };
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if clean.file_name().is_some_and(|name| name != "..") => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    if clean.exists() {
        Ok(clean)
    } else {
        Err(CliError::new(format!("directory {} not found", clean.display())))
    }
}

fn range(dependency: &Dependency, quoted: bool) -> CliResult<Constraint> {
    Constraint::parse(&dependency.version).map_err(|error| {
        let name = if quoted { format!("{:?}", dependency.name) } else { dependency.name.clone() };
        failed(format!("dependency {name} has an invalid version/constraint format: {error}"))
    })
}

/// The versions that are there.
fn resolve(path: &str, needed: &[Dependency]) -> CliResult<Vec<Dependency>> {
    let (mut locked, mut missing) = (Vec::new(), Vec::new());
    for dependency in needed {
        let range = range(dependency, true)?;
        let bare = |version: &str| Dependency {
            name: dependency.name.clone(),
            repository: dependency.repository.clone(),
            version: version.to_owned(),
            ..Dependency::default()
        };
        if dependency.repository.is_empty() {
            local_path(&format!("charts/{}", dependency.name), path)?;
            locked.push(bare(&dependency.version));
            continue;
        }
        let chart = source::load(&local_path(&dependency.repository, path)?.to_string_lossy())?;
        match Version::parse(&chart.metadata.version) {
            Ok(version) if range.check(&version) => locked.push(bare(&chart.metadata.version)),
            _ => missing.push(format!(
                "{:?} (repository {:?}, version {:?})",
                dependency.name, dependency.repository, dependency.version
            )),
        }
    }
    if missing.is_empty() {
        return Ok(locked);
    }
    Err(CliError::new(format!(
        "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
        missing.len(),
        missing.join(", ")
    )))
}

/// Packs every dependency, and only then changes `charts/`.
fn save(ui: &Ui, path: &str, locked: &mut [Dependency]) -> CliResult {
    let charts = Path::new(path).join("charts");
    if charts.exists() && !charts.is_dir() {
        return Err(CliError::new(format!("{:?} is not a directory", charts.display().to_string())));
    }
    std::fs::create_dir_all(&charts)?;
    let before = source::archives(&charts)?;
    ui.print(&format!("Saving {} charts\n", locked.len()))?;
    let mut packed: Vec<(String, Vec<u8>)> = Vec::new();
    for dependency in locked.iter_mut() {
        let outcome = if dependency.repository.is_empty() {
            ui.print(&format!(
                "Dependency {} did not declare a repository. Assuming it exists in the charts directory\n",
                dependency.name
            ))?;
            check_local(&charts, dependency)?
        } else {
            pack_one(path, dependency).map(|file| packed.push(file))
        };
        if let Err(error) = outcome {
            ui.print(&format!("Save error occurred:  {}\n", error.error))?;
            return Err(error);
        }
    }
    for (name, data) in &packed {
        source::write(&charts.join(name), data, false)?;
    }
    ui.print("Deleting outdated charts\n")?;
    let local = |name: &str| locked.iter().any(|one| one.repository.is_empty() && one.name == name);
    for name in before.iter().filter(|name| !packed.iter().any(|(new, _)| new == *name)) {
        let file = charts.join(name);
        match source::load(&file.to_string_lossy()) {
            Err(error) => ui.print(&format!(
                "Could not verify {} for deletion: {} (Skipping)\n",
                file.display(),
                error.error
            ))?,
            Ok(chart) if local(chart.name()) => {}
            Ok(_) => std::fs::remove_file(&file)?,
        }
    }
    Ok(())
}

/// A dependency without a repository lies in `charts/` already. The outer error ends everything, the inner is told first.
fn check_local(charts: &Path, dependency: &Dependency) -> CliResult<CliResult> {
    let path = charts.join(&dependency.name);
    let chart = source::load(&path.to_string_lossy())
        .map_err(|error| failed(format!("unable to load chart '{}': {}", path.display(), error.error)))?;
    let range = range(dependency, false)?;
    let version = Version::parse(&chart.metadata.version).map_err(|error| {
        failed(format!("invalid version {} for dependency {}: {error}", dependency.version, dependency.name))
    })?;
    if range.check(&version) {
        return Ok(Ok(()));
    }
    Ok(Err(CliError::new(format!(
        "dependency {} at version {} does not satisfy the constraint {}",
        dependency.name, chart.metadata.version, dependency.version
    ))))
}

fn pack_one(path: &str, dependency: &mut Dependency) -> CliResult<(String, Vec<u8>)> {
    let chart = source::load_with_times(&local_path(&dependency.repository, path)?.to_string_lossy())?;
    let range = range(dependency, false)?;
    let version = Version::parse(&chart.metadata.version).map_err(failed)?;
    if !range.check(&version) {
        return Err(CliError::new(format!("can't get a valid version for dependency {}", dependency.name)));
    }
    dependency.version.clone_from(&chart.metadata.version);
    let data = pack::pack(&chart, jiff::Timestamp::now()).map_err(failed)?;
    Ok((pack::file_name(&chart.metadata), data))
}
