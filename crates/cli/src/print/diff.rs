//! The differences between two states of an object, told path by path.

use serde_json::{Map, Value};

use super::yaml;

/// Everything that differs, each path with its change; empty where nothing does. Ended by an empty line.
pub fn render(from: &Value, to: &Value) -> String {
    let mut changes = Vec::new();
    compare(&mut Vec::new(), from, to, &mut changes);
    let mut out = String::new();
    for (path, change) in changes {
        out.push_str(&format!("\n{path}\n{change}"));
    }
    out.push('\n');
    out
}

type Changes = Vec<(String, String)>;

fn compare(path: &mut Vec<String>, from: &Value, to: &Value, changes: &mut Changes) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => compare_maps(path, from, to, changes),
        (Value::Array(from), Value::Array(to)) => compare_lists(path, from, to, changes),
        _ if from == to => {}
        _ => changes.push((path.join("."), modification(from, to))),
    }
}

fn compare_maps(
    path: &mut Vec<String>,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    changes: &mut Changes,
) {
    let only = |one: &Map<String, Value>, other: &Map<String, Value>| -> Map<String, Value> {
        let entries = one.iter().filter(|(key, _)| !other.contains_key(*key));
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let (removed, added) = (only(from, to), only(to, from));
    let mut text = String::new();
    for (sign, what, entries) in [('-', "removed", removed), ('+', "added", added)] {
        if !entries.is_empty() {
            let count = plural(entries.len(), "map entry", "map entries");
            text.push_str(&entry(sign, &count, what, &Value::Object(entries)));
        }
    }
    if !text.is_empty() {
        changes.push((path.join("."), text));
    }
    for (key, from) in from {
        if let Some(to) = to.get(key) {
            descend(path, key, from, to, changes);
        }
    }
}

fn descend(path: &mut Vec<String>, key: &str, from: &Value, to: &Value, changes: &mut Changes) {
    path.push(key.to_owned());
    compare(path, from, to, changes);
    path.pop();
}

/// Entries with names are the same where their names are; others where they are equal.
fn compare_lists(path: &mut Vec<String>, from: &[Value], to: &[Value], changes: &mut Changes) {
    if let ([from], [to]) = (from, to)
        && name(from).is_none()
        && from.is_object() == to.is_object()
    {
        return descend(path, "0", from, to, changes);
    }
    let has_names = from.iter().chain(to).all(|entry| name(entry).is_some());
    let same = |a: &Value, b: &Value| if has_names { name(a) == name(b) } else { a == b };
    let only = |one: &[Value], other: &[Value]| -> Vec<Value> {
        one.iter().filter(|entry| !other.iter().any(|known| same(entry, known))).cloned().collect()
    };
    let (removed, added) = (only(from, to), only(to, from));
    let mut text = String::new();
    let common = |one: &[Value], other: &[Value]| -> Vec<String> {
        let kept = one.iter().filter(|entry| other.iter().any(|known| same(entry, known)));
        kept.map(|entry| name(entry).map_or_else(|| inline(entry), str::to_owned)).collect()
    };
    let (order, new_order) = (common(from, to), common(to, from));
    if order != new_order {
        text.push_str(&format!("⇆ order changed\n- {}\n+ {}\n", order.join(", "), new_order.join(", ")));
    }
    for (sign, what, entries) in [('-', "removed", removed), ('+', "added", added)] {
        if !entries.is_empty() {
            let count = plural(entries.len(), "list entry", "list entries");
            text.push_str(&entry(sign, &count, what, &Value::Array(entries)));
        }
    }
    if !text.is_empty() {
        changes.push((path.join("."), text));
    }
    if has_names {
        for entry in from {
            if let Some(other) = to.iter().find(|other| same(entry, other)) {
                descend(path, name(entry).unwrap_or_default(), entry, other, changes);
            }
        }
    }
}

fn name(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

fn entry(sign: char, count: &str, what: &str, entries: &Value) -> String {
    let lines = yaml::of(entries);
    let lines: Vec<String> = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!("{sign} {count} {what}:\n{}", lines.concat())
}

fn modification(from: &Value, to: &Value) -> String {
    if let (Value::String(from), Value::String(to)) = (from, to)
        && (from.contains('\n') || to.contains('\n'))
    {
        return lines_changed(from, to);
    }
    let (of, into) = (type_of(from), type_of(to));
    let what =
        if of == into { "value change".to_owned() } else { format!("type change from {of} to {into}") };
    format!("± {what}\n- {}\n+ {}\n", inline(from), inline(to))
}

/// Only the lines that differ.
fn lines_changed(from: &str, to: &str) -> String {
    let diff = similar::TextDiff::from_lines(from, to);
    let (mut inserts, mut deletions, mut text) = (0, 0, String::new());
    for operation in diff.ops() {
        let (old, new) = (operation.old_range(), operation.new_range());
        if operation.tag() == similar::DiffTag::Equal {
            continue;
        }
        deletions += usize::from(!old.is_empty());
        inserts += usize::from(!new.is_empty());
        for change in diff.iter_changes(operation) {
            let sign = if change.tag() == similar::ChangeTag::Delete { '-' } else { '+' };
            text.push_str(&format!("{sign} {}\n", change.value().trim_end_matches('\n')));
        }
    }
    let (inserts, deletions) =
        (plural(inserts, "insert", "inserts"), plural(deletions, "deletion", "deletions"));
    format!("± value change in multiline text ({inserts}, {deletions})\n{text}\n")
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => yaml::of(value).trim_end_matches('\n').to_owned(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// Small numbers are words: `no deletions`, `one map entry`, `two map entries`.
fn plural(count: usize, one: &str, many: &str) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let word = WORDS.get(count).map_or_else(|| count.to_string(), |&word| word.to_owned());
    format!("{word} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_in_a_named_entry_is_told_by_its_name() {
        let port = |port: i32| json!({"spec": {"ports": [{"name": "http", "port": port}]}});
        assert_eq!(
            render(&port(9899), &port(9898)),
            "\nspec.ports.http.port\n± value change\n- 9899\n+ 9898\n\n"
        );
    }

    #[test]
    fn entries_that_come_and_go_are_shown_whole() {
        let from = json!({"metadata": {"name": "a"}, "data": {"old": "1"}});
        let to = json!({"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"new": "1"}});
        let want = "\ndata\n- one map entry removed:\n  old: \"1\"\n+ one map entry added:\n  new: \"1\"\n\
                    \nmetadata\n+ one map entry added:\n  labels:\n    x: \"y\"\n\n";
        assert_eq!(render(&from, &to), want);
    }

    #[test]
    fn of_a_long_text_only_the_lines_that_differ_are_shown() {
        let text = |line: &str| json!({"a": format!("one\n{line}\nthree\n")});
        let want = "\na\n± value change in multiline text (one insert, one deletion)\n- two\n+ 2\n\n\n";
        assert_eq!(render(&text("two"), &text("2")), want);
    }

    #[test]
    fn another_type_and_another_order_are_told() {
        let want = "\na\n± type change from int to string\n- 1\n+ b\n\n";
        assert_eq!(render(&json!({"a": 1}), &json!({"a": "b"})), want);
        let want = "\na\n⇆ order changed\n- 1, 2\n+ 2, 1\n\n";
        assert_eq!(render(&json!({"a": [1, 2]}), &json!({"a": [2, 1]})), want);
    }
}
