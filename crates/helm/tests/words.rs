//! Helm's words, as a person types them after `helm template`, into arguments. Shared by the corpus test and the example.

use std::path::Path;

use sluice_helm::chart::{Chart, ChartError, Limits, archive, folder};
use sluice_helm::command::template::TemplateArgs;
use sluice_helm::render::Second;
use sluice_helm::values::options::Options;
use sluice_tree::Folder;

/// One command.
pub struct Words {
    pub args: TemplateArgs,
    pub options: Options,
    pub chart: String,
}

/// Reads words; files are read below `folder`.
pub fn parse(words: &[String], base: &Path) -> Result<Words, String> {
    let mut args = TemplateArgs { namespace: "default".into(), ..TemplateArgs::default() };
    let mut options = Options::default();
    let mut plain = Vec::new();
    let mut given = words.iter();
    while let Some(word) = given.next() {
        let mut value = || given.next().cloned().ok_or_else(|| format!("flag needs an argument: {word}"));
        match word.as_str() {
            "-f" | "--values" => {
                let name = value()?;
                let content = std::fs::read(base.join(&name))
                    .map_err(|_| format!("open {name}: no such file or directory"))?;
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
            _ => plain.push(word.clone()),
        }
    }
    let [name, chart] = plain.as_slice() else { return Err("need NAME and CHART".to_owned()) };
    args.name.clone_from(name);
    Ok(Words { args, options, chart: chart.clone() })
}

/// Loads a chart from a folder or an archive; links may lead anywhere, as on a person's machine.
/// `second` is begun for a folder of many files.
pub fn load(chart: &str, base: &Path, second: Option<&mut Option<Second>>) -> Result<Chart, String> {
    let limits = Limits::default();
    let shown = base.join(chart);
    let full = std::fs::canonicalize(&shown).map_err(|_| format!("path {chart:?} not found"))?;
    if full.is_dir() {
        let tree = Folder::open(Path::new("/"), sluice_tree::Limits::default())
            .map_err(|error| error.to_string())?;
        return folder::load_ahead(&tree, &full.to_string_lossy(), &limits, &|_| None, second)
            .map_err(|error| error.to_string());
    }
    let data = std::fs::read(&full).map_err(|error| error.to_string())?;
    archive::check_content(&shown.to_string_lossy(), &data).map_err(|error| error.to_string())?;
    Chart::load_archive(&data, &limits).map_err(|error| archive_error(&full, &error))
}

/// Helm tells only of a wrong header, and of what is wrong with the chart within.
fn archive_error(path: &Path, error: &ChartError) -> String {
    match error {
        ChartError::Archive(archive::ArchiveError::NotGzip) => {
            format!("file '{}' does not appear to be a valid chart file (details: {error})", path.display())
        }
        ChartError::Archive(_) => "unable to load chart archive".to_owned(),
        other => other.to_string(),
    }
}
