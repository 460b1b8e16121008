//! `helm show`.

use sluice_helm::command::jsonpath::Template;
use sluice_helm::command::show::{Part, show};

use super::words::{ShowArgs, ShowPart};
use super::{failed, log, source, wrong_count};
use crate::error::CliResult;
use crate::ui::Ui;

pub fn run(ui: &Ui, part: ShowPart) -> CliResult {
    let (part, name, args, jsonpath) = match part {
        ShowPart::All(args) => (Part::All, "all", args, None),
        ShowPart::Chart(args) => (Part::Chart, "chart", args, None),
        ShowPart::Values { args, jsonpath } => (Part::Values, "values", args, jsonpath),
        ShowPart::Readme(args) => (Part::Readme, "readme", args, None),
        ShowPart::Crds(args) => (Part::Crds, "crds", args, None),
    };
    let ShowArgs { words, fetch } = args;
    let [chart] = words.as_slice() else {
        return Err(wrong_count(&format!("show {name}"), "1 argument", "[CHART]"));
    };
    source::check_fetch(chart, &fetch)?;
    source::check_chartfile(chart)?;
    let loaded = source::load(chart)?;
    loaded.warnings.iter().for_each(|warning| log::remark(ui, warning));
    match jsonpath.filter(|text| !text.is_empty()) {
        Some(text) => {
            let template = Template::parse(&text)
                .map_err(|error| failed(format!("error parsing jsonpath {text}: {error}")))?;
            let values = loaded.values.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()));
            ui.print(&template.print(&values).map_err(failed)?)
        }
        None => ui.print(&show(&loaded, part)),
    }
}
