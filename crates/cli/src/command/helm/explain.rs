//! `sluice helm explain`.

use sluice_helm::command::explain::explain;

use super::words::{ExplainArgs, Global};
use super::{failed, source, template, wrong_count};
use crate::error::CliResult;
use crate::ui::Ui;

pub fn run(ui: &Ui, global: &Global, args: ExplainArgs) -> CliResult {
    let [chart, path] = args.words.as_slice() else {
        return Err(wrong_count("explain", "2 arguments", "CHART PATH"));
    };
    let wanted = template::common(args.name.clone(), global, &args.render);
    let values = source::merged(&args.render.values)?;
    let loaded = template::load(ui, chart, &args.render, global.debug, None)?;
    let origin = source::with_environment(args.render.enable_dns, |environment| {
        explain(&loaded, &values, &wanted, environment, path)
    });
    ui.print(&origin.map_err(failed)?.to_string())
}
