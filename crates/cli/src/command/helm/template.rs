//! `helm template`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sluice_helm::chart::Chart;
use sluice_helm::command::template::{OutputFile, TemplateArgs, name_from_template, template_traced};
use sluice_helm::render::{RenderCache, Second};

use super::words::{self, Global, RenderArgs};
use super::{dependency, failed, log, source, wrong_count};
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, global: &Global, args: words::TemplateArgs) -> CliResult {
    if args.words.is_empty() {
        return Err(wrong_count("template", "at least 1 argument", "[NAME] [CHART]"));
    }
    check(ui, &args)?;
    let (name, chart) = name_and_chart(&args.words, &args.render)?;
    let wanted = TemplateArgs {
        show_only: args.show_only,
        debug: global.debug,
        to_files: args.output_dir.is_some(),
        ..common(name, global, &args.render)
    };
    let values = source::merged(&args.render.values)?;
    let mut second = None;
    let loaded = Arc::new(load(ui, &chart, &args.render, wanted.debug, Some(&mut second))?);
    let mut cache = RenderCache::on_two_threads(&loaded, second);
    let output = source::with_environment(args.render.enable_dns, |environment| {
        template_traced(&loaded, &values, &wanted, environment, None, &mut cache, None)
    });
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            if let Some(detail) = error.name_check() {
                ui.note(&log::line(
                    "ERROR",
                    "release name check failed",
                    &format!(" error={}", log::quoted(&detail)),
                ));
            }
            return Err(failed(error));
        }
    };
    output.warnings.iter().for_each(|warning| log::remark(ui, warning));
    if let Some(folder) = &args.output_dir {
        // Definitions stay outside of the release's folder.
        let named = if args.release_name { folder.join(&wanted.name) } else { folder.clone() };
        write_files(ui, folder, &output.definitions)?;
        write_files(ui, &named, &output.files)?;
    }
    ui.print_with(|out| output.text.write_to(out))?;
    // The process ends now: nothing of the chart has to be taken apart.
    std::mem::forget((loaded, cache));
    output.error.map_or(Ok(()), |error| Err(CliError::new(error)))
}

/// What the flags of a render say.
pub fn common(name: String, global: &Global, args: &RenderArgs) -> TemplateArgs {
    TemplateArgs {
        name,
        namespace: source::namespace(global),
        kube_version: args.kube_version.clone(),
        api_versions: args.api_versions.clone(),
        include_crds: args.include_crds,
        is_upgrade: args.is_upgrade,
        skip_tests: args.skip_tests,
        no_hooks: args.no_hooks,
        skip_schema_validation: args.skip_schema_validation,
        ..TemplateArgs::default()
    }
}

/// Refuses what needs a cluster or a plugin.
fn check(ui: &Ui, args: &words::TemplateArgs) -> CliResult {
    if let Some(wait) = &args.wait
        && !matches!(wait.as_str(), "watcher" | "hookOnly" | "legacy" | "true" | "false")
    {
        let text = format!(
            "invalid argument {wait:?} for \"--wait\" flag: invalid wait input {wait:?}. Valid inputs are watcher, hookOnly, and legacy"
        );
        return Err(CliError::new(text));
    }
    let mut labels = args.labels.iter().flat_map(|labels| labels.split(','));
    if let Some(label) = labels.find(|label| !label.contains('=')) {
        let text = format!(
            "invalid argument {label:?} for \"-l, --labels\" flag: {label} must be formatted as key=value"
        );
        return Err(CliError::new(text));
    }
    if let Some(name) = &args.post_renderer {
        let text = format!(
            "invalid argument {name:?} for \"--post-renderer\" flag: plugin: {{Name:{name} Type:postrenderer/v1}} not found"
        );
        return Err(CliError::new(text));
    }
    if args.validate {
        ui.note("Flag --validate has been deprecated, use '--dry-run=server' instead");
    }
    if args.validate {
        return Err(no_server("--validate"));
    }
    let refused = |value: &str, wanted: &str| {
        CliError::new(format!("invalid dry-run value ({value:?}). Must be {wanted}"))
    };
    match args.dry_run.as_deref() {
        None | Some("client") => Ok(()),
        Some("unset") => {
            let text = "--dry-run is deprecated and should be replaced with '--dry-run=client'";
            ui.note(&log::line("WARN", text, ""));
            Ok(())
        }
        Some("server") => Err(no_server("--dry-run=server")),
        Some(value @ ("1" | "t" | "T" | "TRUE" | "true" | "True")) => {
            let text = format!(
                "boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run=client'"
            );
            ui.note(&log::line("WARN", &text, ""));
            Ok(())
        }
        Some(value @ ("none" | "0" | "f" | "F" | "FALSE" | "false" | "False")) => {
            Err(refused(value, "\"server\" or \"client\""))
        }
        Some(value) => Err(refused(value, "\"none\", \"server\", or \"client\"")),
    }
}

fn no_server(flag: &str) -> CliError {
    CliError::new(format!("{flag} is not supported: manifests are rendered without a cluster here"))
}

fn name_and_chart(words: &[String], args: &RenderArgs) -> CliResult<(String, String)> {
    let chart = match words {
        [chart] => chart,
        [_, _] if args.generate_name => {
            return Err(CliError::new("cannot set --generate-name and also specify a name"));
        }
        [_, _] if args.name_template.is_some() => {
            return Err(CliError::new("cannot set --name-template and also specify a name"));
        }
        [name, chart] => return Ok((name.clone(), chart.clone())),
        [_, _, more @ ..] => {
            let text = format!("expected at most two arguments, unexpected arguments: {}", more.join(", "));
            return Err(CliError::new(text));
        }
        [] => return Err(CliError::new("a chart is needed")),
    };
    let name = match &args.name_template {
        Some(text) => source::with_environment(false, |environment| name_from_template(text, environment))
            .map_err(failed)?,
        None => "release-name".to_owned(),
    };
    Ok((name, chart.clone()))
}

/// The chart, with its dependencies brought in where that was asked for. `second` is begun for one of many files.
pub fn load(
    ui: &Ui,
    chart: &str,
    args: &RenderArgs,
    debug: bool,
    second: Option<&mut Option<Second>>,
) -> CliResult<Chart> {
    source::check_fetch(chart, &args.fetch)?;
    let loaded = source::load_ahead(chart, second)?;
    if debug {
        let version = log::quoted(args.fetch.version.as_deref().unwrap_or_default());
        ui.note(&log::line("DEBUG", "Original chart version", &format!(" version={version}")));
        let path = std::fs::canonicalize(chart).map(|path| path.display().to_string()).unwrap_or_default();
        ui.note(&log::line("DEBUG", "Chart path", &format!(" path={}", log::quoted(&path))));
    }
    let is_missing = !sluice_helm::command::missing_dependencies(&loaded).is_empty();
    if args.dependency_update && is_missing {
        dependency::update(ui, chart, false)?;
        return source::load(chart);
    }
    Ok(loaded)
}

fn write_files(ui: &Ui, folder: &Path, files: &[OutputFile]) -> CliResult {
    let mut written = BTreeSet::new();
    for file in files {
        let path = folder.join(&file.path);
        source::write(&path, file.text.as_bytes(), !written.insert(path.clone()))?;
        ui.print(&format!("wrote {}\n", path.display()))?;
    }
    Ok(())
}
