//! `helm dependency`: what a chart needs, and whether it is there; the lock's digest.

use sluice_tree::{EntryKind, Tree};
use sluice_version::{Constraint, Version};

use crate::chart::ignore::match_pattern;
use crate::chart::{Chart, Dependency, Limits, folder};
use crate::json;
use crate::release::codec::dependencies_json;
use crate::release::digest::sha256;

/// `helm dependency list`: a table, and warnings for what lies in `charts/` without being named.
/// `path` is the chart's place in the tree, `shown` the way a person wrote it.
pub fn list(tree: &dyn Tree, path: &str, shown: &str, chart: &Chart, max_width: usize) -> String {
    let Some(_) = &chart.metadata.dependencies else {
        return format!("WARNING: no dependencies at {}/charts\n", shown.trim_end_matches('/'));
    };
    let head = ["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned);
    let rows = chart.metadata.dependencies().map(|dependency| {
        let status = status(tree, path, dependency, chart).to_owned();
        [dependency.name.clone(), dependency.version.clone(), dependency.repository.clone(), status]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    format!("{}\n{}", table(&rows, max_width), unnamed(tree, path, shown, chart))
}

/// Columns of equal width, with tabs between them.
fn table(rows: &[[String; 4]], max_width: usize) -> String {
    let shorten = |text: &str| {
        if text.chars().count() <= max_width || max_width < 3 {
            return text.to_owned();
        }
        let kept: String = text.chars().take(max_width - 3).collect();
        format!("{kept}...")
    };
    let rows: Vec<[String; 4]> = rows.iter().map(|row| row.each_ref().map(|cell| shorten(cell))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            if column > 0 {
                out.push('\t');
            }
            let padding = width(column) - cell.chars().count();
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', padding));
        }
        out.push('\n');
    }
    out
}

fn archives(tree: &dyn Tree, path: &str) -> Vec<(String, EntryKind)> {
    let entries = tree.list(&format!("{path}/charts")).unwrap_or_default();
    entries.into_iter().map(|entry| (entry.name, entry.kind)).collect()
}

fn status(tree: &dyn Tree, path: &str, dependency: &Dependency, parent: &Chart) -> &'static str {
    let pattern = format!("{}-*.tgz", dependency.name);
    if match_pattern(&pattern, "x").is_err() {
        return "bad pattern";
    }
    let found: Vec<String> = archives(tree, path)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| match_pattern(&pattern, name) == Ok(true))
        .collect();
    let exact: Vec<&String> = if found.len() > 1 {
        let prefix = format!("{}-", dependency.name);
        let version = |name: &str| {
            let stem = name.trim_end_matches(".tgz");
            stem.strip_prefix(&prefix).unwrap_or(stem).to_owned()
        };
        found.iter().filter(|name| Version::parse_strict(&version(name)).is_ok()).collect()
    } else {
        found.iter().collect()
    };
    match exact.as_slice() {
        [] => {}
        [one] => return archive_status(tree, &format!("{path}/charts/{one}"), dependency),
        _ => return "too many matches",
    }
    match parent.dependencies.iter().rfind(|inner| inner.name() == dependency.name) {
        None => "missing",
        Some(inner) => version_status(&dependency.version, &inner.metadata.version, "unpacked"),
    }
}

fn archive_status(tree: &dyn Tree, path: &str, dependency: &Dependency) -> &'static str {
    let loaded = tree.read(path).ok().and_then(|data| Chart::load_archive(&data, &Limits::default()).ok());
    match loaded {
        None => "corrupt",
        Some(chart) if chart.name() != dependency.name => "misnamed",
        Some(chart) => version_status(&dependency.version, &chart.metadata.version, "ok"),
    }
}

fn version_status(range: &str, version: &str, good: &'static str) -> &'static str {
    if range == version {
        return good;
    }
    match (Constraint::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) if range.check(&version) => good,
        (Ok(_), Ok(_)) => "wrong version",
        _ => "invalid version",
    }
}

fn unnamed(tree: &dyn Tree, path: &str, shown: &str, chart: &Chart) -> String {
    let mut out = String::new();
    for (name, kind) in archives(tree, path) {
        let full = format!("{path}/charts/{name}");
        let limits = Limits::default();
        let loaded = match kind {
            EntryKind::Folder => folder::load(tree, &full, &limits).ok(),
            EntryKind::File if name.ends_with(".tgz") => {
                tree.read(&full).ok().and_then(|data| Chart::load_archive(&data, &limits).ok())
            }
            EntryKind::File => continue,
        };
        let place = format!("{}/charts/{name}", shown.trim_end_matches('/'));
        match loaded {
            None => out.push_str(&format!("WARNING: {place:?} is not a chart.\n")),
            Some(inner) => {
                if !chart.metadata.dependencies().any(|dependency| dependency.name == inner.name()) {
                    out.push_str(&format!("WARNING: {place:?} is not in Chart.yaml.\n"));
                }
            }
        }
    }
    out
}

/// The digest of a `Chart.lock`: of what is needed and what was chosen.
pub fn lock_digest(needed: &[Option<Dependency>], locked: &[Option<Dependency>]) -> String {
    sha256(format!("[{},{}]", dependencies_json(Some(needed)), dependencies_json(Some(locked))).as_bytes())
}

/// The digest of a `requirements.lock` by Helm 2.
pub fn old_lock_digest(needed: &[Option<Dependency>]) -> String {
    let mut object = json::Object::new();
    object.raw("dependencies", &dependencies_json(Some(needed)));
    sha256(object.finish().as_bytes())
}

/// Whether the lock still says what `Chart.yaml` asks for.
pub fn is_lock_current(chart: &Chart) -> bool {
    let needed = chart.metadata.dependencies.as_deref().unwrap_or_default();
    chart.lock.as_ref().is_some_and(|lock| {
        let locked = lock.dependencies.as_deref().unwrap_or_default();
        lock.digest == lock_digest(needed, locked) || lock.digest == old_lock_digest(needed)
    })
}

#[cfg(test)]
mod tests {
    use sluice_tree::Memory;

    use super::*;

    #[test]
    fn a_table_says_what_is_there() {
        let mut tree = Memory::default();
        let chartfile = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: sub\n  version: 0.1.0\n  repository: \"\"\n- name: other\n  version: 1.x\n  repository: https://example.com\n";
        tree.insert("c/Chart.yaml", chartfile.as_bytes().to_vec()).unwrap();
        for name in ["sub", "stray"] {
            let text = format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
            tree.insert(&format!("c/charts/{name}/Chart.yaml"), text.into_bytes()).unwrap();
        }
        let chart = folder::load(&tree, "c", &Limits::default()).unwrap();
        assert_eq!(
            list(&tree, "c", "c", &chart, 80),
            "NAME \tVERSION\tREPOSITORY         \tSTATUS  \nsub  \t0.1.0  \t                   \tunpacked\nother\t1.x    \thttps://example.com\tmissing \n\nWARNING: \"c/charts/stray\" is not in Chart.yaml.\n"
        );
    }
}
