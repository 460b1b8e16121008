//! `helm package`.

use sluice_helm::chart::{archive, pack};
use sluice_helm::command::missing_dependencies;
use sluice_version::Version;

use super::words::PackageArgs;
use super::{dependency, failed, log, source};
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, args: &PackageArgs) -> CliResult {
    if args.words.is_empty() {
        return Err(CliError::new("need at least one argument, the path to the chart"));
    }
    if args.sign {
        return Err(CliError::new(match &args.key {
            Some(_) => "--sign is not supported: packages are not signed here",
            None => "--key is required for signing a package",
        }));
    }
    for path in &args.words {
        if let Err(error) = std::fs::metadata(path) {
            let why = if error.kind() == std::io::ErrorKind::NotFound {
                "no such file or directory".to_owned()
            } else {
                error.to_string()
            };
            return Err(CliError::new(format!("stat {path}: {why}")));
        }
        if args.dependency_update {
            dependency::update(&Ui::stdio(), path, true)?;
        }
        let mut chart = source::load_with_times(path)?;
        chart.warnings.iter().for_each(|warning| log::remark(ui, warning));
        if let Some(version) = args.fetch.version.as_ref().filter(|text| !text.is_empty()) {
            chart.metadata.version.clone_from(version);
        }
        if Version::parse(&chart.metadata.version).is_err() {
            return Err(CliError::new("invalid semantic version"));
        }
        if let Some(version) = args.app_version.as_ref().filter(|text| !text.is_empty()) {
            chart.metadata.app_version.clone_from(version);
        }
        let missing = missing_dependencies(&chart);
        if !missing.is_empty() {
            let text =
                format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
            return Err(CliError::new(text));
        }
        if args.destination.is_file() {
            return Err(CliError::new(format!(
                "failed to save: is not a directory: {}",
                args.destination.display()
            )));
        }
        let data = pack::pack(&chart, jiff::Timestamp::now())
            .map_err(|error| failed(format!("failed to save: {error}")))?;
        archive::check_content(path, &data).map_err(failed)?;
        let folder = if args.destination.as_os_str() == "." {
            std::env::current_dir()?
        } else {
            args.destination.clone()
        };
        let file = folder.join(pack::file_name(&chart.metadata));
        source::write(&file, &data, false)?;
        ui.print(&format!("Successfully packaged chart and saved it to: {}\n", file.display()))?;
    }
    Ok(())
}
