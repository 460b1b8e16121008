//! `sluice helm`: Helm's commands that need no cluster, on our own engine.

pub mod source;

use std::path::PathBuf;

use clap::Subcommand;
use sluice_gotmpl::NoHooks;
use sluice_helm::build;
use sluice_helm::chart::{archive, pack};
use sluice_helm::command::lint::{LintArgs, Severity, lint};
use sluice_helm::command::show::{Part, show};
use sluice_helm::command::template::{OutputFile, TemplateArgs, template};
use sluice_helm::command::{Environment, dependency, missing_dependencies};
use sluice_helm::values::options::Options;

use crate::connect::GlobalArgs;
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

/// Work with Helm charts without Helm
///
/// Render, check, show and package Helm charts on this program's own engine. No cluster and no Helm is needed.
#[derive(Debug, clap::Args)]
pub struct HelmArgs {
    #[command(subcommand)]
    command: HelmCommand,
}

#[derive(Debug, Subcommand)]
enum HelmCommand {
    /// Locally render templates
    Template(Box<RenderArgs>),
    /// Examine a chart for possible issues
    Lint(CheckArgs),
    /// Show information of a chart
    Show {
        #[command(subcommand)]
        part: ShowPart,
    },
    /// Manage a chart's dependencies
    #[command(visible_alias = "dep")]
    Dependency {
        #[command(subcommand)]
        command: DependencyCommand,
    },
    /// Package a chart directory into a chart archive
    Package(PackageArgs),
}

#[derive(Debug, Subcommand)]
enum ShowPart {
    /// Show all information of the chart
    All { chart: String },
    /// Show the chart's definition
    Chart { chart: String },
    /// Show the chart's values
    Values { chart: String },
    /// Show the chart's README
    Readme { chart: String },
    /// Show the chart's CRDs
    Crds { chart: String },
}

#[derive(Debug, Subcommand)]
enum DependencyCommand {
    /// List the dependencies for the given chart
    #[command(visible_alias = "ls")]
    List {
        #[arg(default_value = ".")]
        chart: String,
        /// Maximum column width for output table
        #[arg(long, default_value_t = 80)]
        max_col_width: usize,
    },
}

#[derive(Debug, clap::Args)]
struct ValueArgs {
    /// Specify values in a YAML file (can specify multiple)
    #[arg(long = "values", short = 'f')]
    values: Vec<String>,
    /// Set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)
    #[arg(long)]
    set: Vec<String>,
    /// Set STRING values on the command line
    #[arg(long)]
    set_string: Vec<String>,
    /// Set JSON values on the command line
    #[arg(long)]
    set_json: Vec<String>,
    /// Set values from respective files specified via the command line
    #[arg(long)]
    set_file: Vec<String>,
    /// Set a literal STRING value on the command line
    #[arg(long)]
    set_literal: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct RenderArgs {
    /// The name of the release, then the chart
    #[arg(required = true, num_args = 1..=2, value_name = "NAME CHART")]
    words: Vec<String>,
    #[command(flatten)]
    values: ValueArgs,
    /// Kubernetes version used for Capabilities.KubeVersion
    #[arg(long)]
    kube_version: Option<String>,
    /// Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)
    #[arg(long, short, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Include CRDs in the templated output
    #[arg(long)]
    include_crds: bool,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Skip tests from templated output
    #[arg(long)]
    skip_tests: bool,
    /// Prevent hooks from running during install
    #[arg(long)]
    no_hooks: bool,
    /// Only show manifests rendered from the given templates
    #[arg(long, short)]
    show_only: Vec<String>,
    /// If set, disables JSON schema validation
    #[arg(long)]
    skip_schema_validation: bool,
    /// Writes the executed templates to files in output-dir instead of stdout
    #[arg(long)]
    output_dir: Option<PathBuf>,
    /// Render out invalid YAML
    #[arg(long)]
    debug: bool,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[arg(required = true)]
    charts: Vec<String>,
    #[command(flatten)]
    values: ValueArgs,
    /// Fail on lint warnings
    #[arg(long)]
    strict: bool,
    /// Print only warnings and errors
    #[arg(long)]
    quiet: bool,
    /// If set, disables JSON schema validation
    #[arg(long)]
    skip_schema_validation: bool,
}

#[derive(Debug, clap::Args)]
struct PackageArgs {
    #[arg(required = true)]
    charts: Vec<String>,
    /// Location to write the chart
    #[arg(long, short, default_value = ".")]
    destination: PathBuf,
    /// Set the version on the chart to this semver version
    #[arg(long)]
    version: Option<String>,
    /// Set the appVersion on the chart to this version
    #[arg(long)]
    app_version: Option<String>,
}

/// The stack of a thread that runs engines.
const STACK_BYTES: usize = 64 << 20;

/// Runs one command on a thread of its own: templates nest deep.
pub fn run(ui: Ui, global: GlobalArgs, args: HelmArgs) -> CliResult {
    let namespace = global.namespace.unwrap_or_else(|| "default".to_owned());
    let work = move || match args.command {
        HelmCommand::Template(args) => render(&ui, namespace, *args),
        HelmCommand::Lint(args) => check(&ui, &namespace, &args),
        HelmCommand::Show { part } => show_part(&ui, &part),
        HelmCommand::Dependency { command: DependencyCommand::List { chart, max_col_width } } => {
            list_dependencies(&ui, &chart, max_col_width)
        }
        HelmCommand::Package(args) => package(&ui, &args),
    };
    let worker = std::thread::Builder::new().name("helm".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
    worker.join().unwrap_or_else(|_| Err(CliError::new("the engine stopped unexpectedly")))
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::new(error.to_string())
}

fn with_environment<T>(run: impl FnOnce(&Environment<'_>) -> T) -> T {
    let budget = build::budget();
    let random = |bytes: &mut [u8]| source::random(bytes);
    run(&Environment { budget: &budget, now: jiff::Zoned::now(), random: &random, hooks: &NoHooks })
}

fn merged(args: &ValueArgs) -> CliResult<serde_json::Map<String, serde_json::Value>> {
    let mut options = Options {
        json: args.set_json.clone(),
        set: args.set.clone(),
        string: args.set_string.clone(),
        file: args.set_file.clone(),
        literal: args.set_literal.clone(),
        ..Options::default()
    };
    for name in &args.values {
        options.files.push((name.clone(), source::read(name).map_err(CliError::new)?));
    }
    let read = |name: &str| source::read(name).map(|data| String::from_utf8_lossy(&data).into_owned());
    options.merge(&read).map_err(failed)
}

fn render(ui: &Ui, namespace: String, args: RenderArgs) -> CliResult {
    let (name, chart) = match args.words.as_slice() {
        [name, chart] => (name.clone(), chart.clone()),
        [chart] => ("release-name".to_owned(), chart.clone()),
        _ => return Err(CliError::new("expected at most two arguments")),
    };
    let values = merged(&args.values)?;
    let loaded = source::load(&chart)?;
    let wanted = TemplateArgs {
        name,
        namespace,
        kube_version: args.kube_version,
        api_versions: args.api_versions,
        include_crds: args.include_crds,
        is_upgrade: args.is_upgrade,
        skip_tests: args.skip_tests,
        no_hooks: args.no_hooks,
        show_only: args.show_only,
        skip_schema_validation: args.skip_schema_validation,
        debug: args.debug,
        to_files: args.output_dir.is_some(),
    };
    let output = with_environment(|environment| template(&loaded, &values, &wanted, environment, None))
        .map_err(failed)?;
    for warning in &output.warnings {
        ui.note(warning);
    }
    if let Some(folder) = &args.output_dir {
        write_files(ui, folder, &output.files)?;
    }
    ui.print(&output.text)?;
    output.error.map_or(Ok(()), |error| Err(CliError::new(error)))
}

fn write_files(ui: &Ui, folder: &std::path::Path, files: &[OutputFile]) -> CliResult {
    let mut written = std::collections::BTreeSet::new();
    for file in files {
        let path = folder.join(&file.path);
        source::write(&path, file.text.as_bytes(), !written.insert(path.clone()))?;
        ui.print(&format!("wrote {}\n", path.display()))?;
    }
    Ok(())
}

fn check(ui: &Ui, namespace: &str, args: &CheckArgs) -> CliResult {
    let values = merged(&args.values)?;
    let lowest = if args.strict { Severity::Warning } else { Severity::Error };
    let (mut text, mut failures, mut remarks) = (String::new(), 0, 0);
    for chart in &args.charts {
        let lint_args =
            LintArgs { namespace: namespace.to_owned(), skip_schema_validation: args.skip_schema_validation };
        let (tree, path) = source::tree(chart)?;
        let messages =
            with_environment(|environment| lint(&tree, &path, &path, &values, &lint_args, environment));
        let is_noted = messages.iter().any(|message| message.severity > Severity::Info);
        remarks += usize::from(is_noted);
        failures += usize::from(messages.iter().any(|message| message.severity >= lowest));
        if args.quiet && !is_noted {
            continue;
        }
        text.push_str(&format!("==> Linting {chart}\n"));
        for message in messages.iter().filter(|message| !args.quiet || message.severity > Severity::Info) {
            text.push_str(&format!("{message}\n"));
        }
        text.push('\n');
    }
    ui.print(&text)?;
    let summary = format!("{} chart(s) linted, {failures} chart(s) failed", args.charts.len());
    if failures > 0 {
        return Err(CliError::new(summary));
    }
    if args.quiet && remarks == 0 { Ok(()) } else { ui.print(&format!("{summary}\n")) }
}

fn show_part(ui: &Ui, part: &ShowPart) -> CliResult {
    let (part, chart) = match part {
        ShowPart::All { chart } => (Part::All, chart),
        ShowPart::Chart { chart } => (Part::Chart, chart),
        ShowPart::Values { chart } => (Part::Values, chart),
        ShowPart::Readme { chart } => (Part::Readme, chart),
        ShowPart::Crds { chart } => (Part::Crds, chart),
    };
    ui.print(&show(&source::load(chart)?, part))
}

fn list_dependencies(ui: &Ui, chart: &str, max_width: usize) -> CliResult {
    let loaded = source::load(chart)?;
    let text = match source::tree(chart) {
        Ok((tree, path)) => dependency::list(&tree, &path, chart, &loaded, max_width),
        Err(_) => dependency::list(&sluice_tree::Memory::default(), "", chart, &loaded, max_width),
    };
    ui.print(&text)
}

fn package(ui: &Ui, args: &PackageArgs) -> CliResult {
    for path in &args.charts {
        let mut chart = source::load_with_times(path)?;
        if let Some(version) = &args.version {
            chart.metadata.version.clone_from(version);
        }
        if let Some(version) = &args.app_version {
            chart.metadata.app_version.clone_from(version);
        }
        let missing = missing_dependencies(&chart);
        if !missing.is_empty() {
            let text =
                format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
            return Err(CliError::new(text));
        }
        let data = pack::pack(&chart, jiff::Timestamp::now())
            .map_err(|error| failed(format!("failed to save: {error}")))?;
        archive::check_content(path, &data).map_err(failed)?;
        let file = args.destination.join(pack::file_name(&chart.metadata));
        source::write(&file, &data, false)?;
        let shown = std::fs::canonicalize(&file).unwrap_or(file);
        ui.print(&format!("Successfully packaged chart and saved it to: {}\n", shown.display()))?;
    }
    Ok(())
}
