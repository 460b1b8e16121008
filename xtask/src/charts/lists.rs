//! Which charts are compared, with which values, and the dependencies that they lack.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Render;

/// One chart: its repository and its folder there.
pub struct Named {
    pub repository: String,
    pub folder: String,
}

/// Reads the document: a heading for each repository, then its charts, divided by commas.
pub fn charts(text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut repository = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("## ") {
            name.clone_into(&mut repository);
        } else if !repository.is_empty() {
            let named = |folder: &str| Named { repository: repository.clone(), folder: folder.to_owned() };
            found.extend(line.split(", ").map(named));
        }
    }
    found
}

/// Every render: the defaults, then each values file of the chart's `ci` folder.
pub fn renders(folder: &Path, charts: &[Named]) -> Result<Vec<Render>, String> {
    let mut found = Vec::new();
    for named in charts {
        let chart = path_of(folder, named);
        let name = format!("{}/{}", named.repository, named.folder);
        if !chart.join("Chart.yaml").is_file() {
            return Err(format!("{name} is not there; fetch the repository into {}", folder.display()));
        }
        found.push(Render { name: name.clone(), chart: chart.clone(), values: None });
        let mut values: Vec<PathBuf> = fs::read_dir(chart.join("ci"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        values.retain(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"));
        values.sort();
        for path in values {
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.push(Render { name: format!("{name} {file}"), chart: chart.clone(), values: Some(path) });
        }
    }
    Ok(found)
}

fn path_of(folder: &Path, named: &Named) -> PathBuf {
    let path = folder.join(named.repository.replace('/', "+"));
    if named.folder == "." { path } else { path.join(&named.folder) }
}

/// Copies charts of the same repositories to where a named chart asks for them and has none.
pub fn fill_dependencies(folder: &Path, charts: &[Named]) -> Result<(), String> {
    let mut known: BTreeMap<(String, String), PathBuf> = BTreeMap::new();
    let mut repositories: Vec<&str> = charts.iter().map(|named| named.repository.as_str()).collect();
    repositories.dedup();
    for repository in repositories {
        let root = folder.join(repository.replace('/', "+"));
        find_charts(&root, 0, &mut |path| {
            let text = fs::read_to_string(path.join("Chart.yaml")).unwrap_or_default();
            if let Some(name) = field(&text, "name") {
                known.entry((repository.to_owned(), name)).or_insert_with(|| path.to_path_buf());
            }
        });
    }
    for named in charts {
        fill(&path_of(folder, named), &named.repository, &known, 0)?;
    }
    Ok(())
}

/// Calls back with the outermost charts below a folder, in order.
fn find_charts(folder: &Path, depth: usize, found: &mut dyn FnMut(&Path)) {
    if folder.join("Chart.yaml").is_file() {
        return found(folder);
    }
    let mut inner: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    inner.retain(|path| path.is_dir() && !path.is_symlink());
    inner.sort();
    if depth < 12 {
        for path in &inner {
            find_charts(path, depth + 1, found);
        }
    }
}

fn fill(
    chart: &Path,
    repository: &str,
    known: &BTreeMap<(String, String), PathBuf>,
    depth: usize,
) -> Result<(), String> {
    let mut text = fs::read_to_string(chart.join("Chart.yaml")).unwrap_or_default();
    text += "\n";
    text += &fs::read_to_string(chart.join("requirements.yaml")).unwrap_or_default();
    for name in dependency_names(&text) {
        let inner = chart.join("charts").join(&name);
        let packed = fs::read_dir(chart.join("charts")).into_iter().flatten().flatten().any(|entry| {
            let file = entry.file_name().to_string_lossy().into_owned();
            file.starts_with(&format!("{name}-")) && file.ends_with(".tgz")
        });
        if packed || inner.join("Chart.yaml").is_file() {
            continue;
        }
        let own = known.get(&(repository.to_owned(), name.clone()));
        let any = || known.iter().find(|((_, known), _)| *known == name).map(|(_, path)| path);
        if let Some(from) = own.or_else(any).filter(|from| *from != chart && depth < 5) {
            fill(from, repository, known, depth + 1)?;
            copy(from, &inner)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", to.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(failed)?;
        }
    }
    Ok(())
}

/// The value of a top-level field, without quotes.
fn field(text: &str, key: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(plain(rest))
}

fn plain(text: &str) -> String {
    let text = text.split(" #").next().unwrap_or(text);
    text.trim().trim_matches(['"', '\'']).to_owned()
}

/// The names in a `dependencies:` list. Charts write it in block style, which is all that is read here.
fn dependency_names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if line.starts_with("dependencies:") {
            is_inside = true;
        } else if is_inside && !line.starts_with([' ', '-', '#']) && !trimmed.is_empty() {
            is_inside = false;
        } else if is_inside {
            let item = trimmed.strip_prefix("- ").unwrap_or(trimmed).trim_start();
            found.extend(item.strip_prefix("name:").map(plain));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_and_the_dependencies_are_read() {
        let list = charts("# x\n\nwords\n\n## a/b\nc/d, e\n\n## f/g\n.\n");
        let shown: Vec<String> =
            list.iter().map(|named| format!("{} {}", named.repository, named.folder)).collect();
        assert_eq!(shown, ["a/b c/d", "a/b e", "f/g ."]);
        let text = "name: x\ndependencies:\n- name: one\n  alias: y\n- repository: z\n  name: \"two\" # why\nversion: 1\n";
        assert_eq!(dependency_names(text), ["one", "two"]);
        assert_eq!(field(text, "name").as_deref(), Some("x"));
    }
}
