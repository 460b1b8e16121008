//! What Helm would log, on standard error, as its logger spells it.

use crate::ui::Ui;

/// Messages whose details stand behind them as attributes, and at which level they come.
const WITH_DETAILS: &[(&str, &str)] = &[
    ("returned non-bool value", "WARN"),
    ("ImportValues missing table", "WARN"),
    ("skipping unknown hooks", "INFO"),
];

/// One line of the log.
pub fn line(level: &str, message: &str, details: &str) -> String {
    format!("level={level} msg={}{details}", quoted(message))
}

/// A remark of the engine.
pub fn remark(ui: &Ui, text: &str) {
    let known =
        WITH_DETAILS.iter().find_map(|(message, level)| Some((message, level, text.strip_prefix(message)?)));
    ui.note(&match known {
        Some((message, level, details)) => line(level, message, details),
        None if text == "this chart is deprecated" => line("WARN", text, ""),
        None => line("INFO", text, ""),
    });
}

/// A value in quotes where it needs them.
pub fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text.chars().all(|character| {
            !character.is_whitespace() && !character.is_control() && !matches!(character, '"' | '=')
        });
    if is_plain { text.to_owned() } else { sluice_gotmpl::quote::quote(text.as_bytes()) }
}
