//! What values become for one chart: the user's over the chart's own, nulls deleting, globals handed down.
//!
//! Maps are shared exactly where Helm shares them, because later steps change them in place. Charts within are gone through
//! in the order of their parent's list; Helm's own order differs from run to run where charts are not named in `Chart.yaml`.

use serde_json::Value;
use sluice_yaml::json::format_float;

use super::GLOBAL;
use super::graph::{Node, Table, deep_copy, get, keys, new_table, put, shallow_copy};

/// What coalescing has to know of a chart.
pub trait Layer {
    fn name(&self) -> String;
    /// The chart's own values; they are copied before use.
    fn values(&self) -> Option<Table>;
    /// The charts within.
    fn layers(&self) -> Vec<Self>
    where
        Self: Sized;
}

/// A value of the user stands where a chart within wants its map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {chart}: {shown}")]
pub struct TypeMismatch {
    pub chart: String,
    /// The value, as Go's `%t` shows what is no boolean.
    pub shown: String,
}

/// What Helm would print as a warning.
pub type Warnings = Vec<String>;

/// The user's values over the chart's: nulls delete.
pub fn coalesce_values<L: Layer>(
    chart: &L,
    values: &Table,
    warnings: &mut Warnings,
) -> Result<Table, TypeMismatch> {
    let copy = deep_copy(values);
    Coalesce { merge: false, warnings }.whole(chart, &copy, "")?;
    Ok(copy)
}

/// The same, but nulls stay.
pub fn merge_values<L: Layer>(
    chart: &L,
    values: &Table,
    warnings: &mut Warnings,
) -> Result<Table, TypeMismatch> {
    let copy = deep_copy(values);
    Coalesce { merge: true, warnings }.whole(chart, &copy, "")?;
    Ok(copy)
}

/// `source` under `target`, in place; a null in `target` deletes what `source` has.
pub fn coalesce_tables(target: &Table, source: &Table, warnings: &mut Warnings) {
    Coalesce { merge: false, warnings }.tables(target, source, "", false);
}

/// `source` under `target`, in place; nulls stay.
pub fn merge_tables(target: &Table, source: &Table, warnings: &mut Warnings) {
    Coalesce { merge: true, warnings }.tables(target, source, "", true);
}

struct Coalesce<'a> {
    merge: bool,
    warnings: &'a mut Warnings,
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl Coalesce<'_> {
    fn whole<L: Layer>(&mut self, chart: &L, target: &Table, prefix: &str) -> Result<(), TypeMismatch> {
        let layers = chart.layers();
        self.own(chart, &layers, target, prefix);
        for layer in &layers {
            let name = layer.name();
            let inner = match get(target, &name) {
                None => {
                    let inner = new_table();
                    put(target, &name, Node::Table(inner.clone()));
                    inner
                }
                Some(Node::Table(inner)) => inner,
                Some(other) => return Err(TypeMismatch { chart: name, shown: show_as_bool(&other) }),
            };
            let prefix = join(prefix, &chart.name());
            self.globals(&inner, target, &prefix);
            self.whole(layer, &inner, &prefix)?;
        }
        Ok(())
    }

    /// The chart's own values under `target`.
    fn own<L: Layer>(&mut self, chart: &L, layers: &[L], target: &Table, prefix: &str) {
        let prefix = join(prefix, &chart.name());
        // A chart's own values do not change.
        let own = chart.values().map_or_else(new_table, |own| Table::copy_of_fixed(&own));
        for key in keys(&own) {
            let Some(value) = get(&own, &key) else { continue };
            match get(target, &key) {
                None => {
                    if !self.merge {
                        match &value {
                            Node::Null => continue,
                            Node::Table(inner) => drop_nulls(inner),
                            _ => {}
                        }
                    }
                    put(target, &key, value);
                }
                Some(Node::Null) if !self.merge => {
                    target.borrow_mut().remove(&key);
                }
                Some(Node::Table(inner)) => match &value {
                    Node::Table(source) => {
                        let merge = self.merge || layers.iter().any(|layer| *layer.name() == *key);
                        if !merge {
                            drop_nulls(source);
                        }
                        self.tables(&inner, source, &join(&prefix, &key), merge);
                    }
                    Node::Null => {}
                    _ => {
                        self.warnings
                            .push(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                    }
                },
                Some(_) => {}
            }
        }
    }

    /// Hands the globals of `source` down to `target`.
    fn globals(&mut self, target: &Table, source: &Table, prefix: &str) {
        let down = match get(target, GLOBAL) {
            None => new_table(),
            Some(Node::Table(down)) => down,
            Some(_) => {
                let text = format!("warning: skipping globals because destination {GLOBAL} is not a table.");
                self.warnings.push(text);
                return;
            }
        };
        let up = match get(source, GLOBAL) {
            None => new_table(),
            Some(Node::Table(up)) => up,
            Some(_) => {
                self.warnings
                    .push(format!("warning: skipping globals because source {GLOBAL} is not a table."));
                return;
            }
        };
        for key in keys(&up) {
            let Some(value) = get(&up, &key) else { continue };
            let existing = get(&down, &key);
            let Node::Table(table) = &value else {
                if matches!(existing, Some(Node::Table(_))) {
                    self.warnings.push(format!("key {key} is table. Skipping"));
                } else {
                    put(&down, &key, value);
                }
                continue;
            };
            let copy = shallow_copy(table);
            match existing {
                None => put(&down, &key, Node::Table(copy)),
                Some(Node::Table(below)) => {
                    self.tables(&copy, &below, &join(prefix, &key), true);
                    put(&down, &key, Node::Table(copy));
                }
                Some(_) => {
                    self.warnings
                        .push(format!("Conflict: cannot merge map onto non-map for {key:?}. Skipping."));
                }
            }
        }
        put(target, GLOBAL, Node::Table(down));
    }

    /// `source` under `target`, in place. `source` is changed too.
    fn tables(&mut self, target: &Table, source: &Table, prefix: &str, merge: bool) {
        let had_value: std::collections::BTreeSet<_> = {
            let source = source.borrow();
            source.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect()
        };
        let nulls: Vec<_> = {
            let target = target.borrow();
            target.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key.clone()).collect()
        };
        for key in nulls {
            source.borrow_mut().insert(key, Node::Null);
        }
        for key in keys(source) {
            let Some(value) = get(source, &key) else { continue };
            match (get(target, &key), &value) {
                (Some(Node::Null), _) if !merge && had_value.contains(&key) => {
                    target.borrow_mut().remove(&key);
                }
                (None, _) => put(target, &key, value),
                (Some(Node::Table(below)), Node::Table(inner)) => {
                    self.tables(&below, inner, &join(prefix, &key), merge);
                }
                (Some(_), Node::Table(inner)) => {
                    let full = join(prefix, &key);
                    let shown = show(&Node::Table(inner.clone()));
                    self.warnings
                        .push(format!("warning: cannot overwrite table with non table for {full} ({shown})"));
                }
                (Some(Node::Table(_)), other) if !other.is_null() => {
                    let full = join(prefix, &key);
                    let shown = show(other);
                    self.warnings.push(format!(
                        "warning: destination for {full} is a table. Ignoring non-table value ({shown})"
                    ));
                }
                _ => {}
            }
        }
    }
}

/// Takes nulls out of a map and the maps in it; lists are left alone.
pub fn drop_nulls(table: &Table) {
    if table.is_free_of_nulls() {
        return;
    }
    table.borrow_mut().retain(|_, value| !value.is_null());
    for value in table.borrow().values() {
        if let Node::Table(inner) = value {
            drop_nulls(inner);
        }
    }
}

/// Go's `%v`.
pub fn show(node: &Node) -> String {
    show_value(&node.to_value())
}

pub(crate) fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(float)) => format_float(float),
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(show_value).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let items: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}:{}", show_value(value))).collect();
            format!("map[{}]", items.join(" "))
        }
    }
}

/// Go's `%t` of a value that may be no boolean.
fn show_as_bool(node: &Node) -> String {
    match node {
        Node::Bool(flag) => flag.to_string(),
        Node::Null => "%!t(<nil>)".to_owned(),
        Node::List(list) => {
            let items: Vec<_> = list.borrow().iter().map(show_as_bool).collect();
            format!("[{}]", items.join(" "))
        }
        other => format!("%!t({}={})", other.go_type(), show(other)),
    }
}
