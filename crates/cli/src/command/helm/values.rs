//! `sluice helm get-values`: what a HelmRelease's `valuesFrom` and `values` become, from files.

use serde_json::Value;
use sluice_helm::command::values::{Format, show};
use sluice_helm::values::reference::{Reference, merge_references};

use super::words::GetValuesArgs;
use super::{failed, source};
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, args: &GetValuesArgs) -> CliResult {
    let format = match args.output.as_str() {
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        other => {
            return Err(CliError::new(format!(
                "invalid argument {other:?} for \"-o, --output\" flag: invalid format type"
            )));
        }
    };
    let inline = source::merged(&args.values)?;
    let mut references = Vec::new();
    for from in &args.from {
        let (file, path) = from.split_once('@').unwrap_or((from, ""));
        references.push(Reference {
            content: source::read(file).map_err(CliError::new)?,
            target_path: path.to_owned(),
            literal: args.literal,
        });
    }
    let merged = merge_references(&inline, &references)
        .map_err(|(at, error)| failed(format!("cannot merge {}: {error}", args.from[at])))?;
    let text = if merged.is_empty() {
        show(&merged, true, format)
    } else {
        match format {
            Format::Json => format!("{}\n", sluice_helm::json::encode(&Value::Object(merged))),
            _ => sluice_helm::values::encode(&Value::Object(merged)),
        }
    };
    ui.print(&text)
}
