//! A chart in a folder: every file but those that `.helmignore` names; links are followed within the view's root.

use bytes::Bytes;
use jiff::Timestamp;
use sluice_tree::{EntryKind, ReadError, Tree};

use super::archive::without_mark;
use super::ignore::{IgnoreError, IgnoreRules};
use super::{Chart, ChartError, File, Limits, Load, told_first};
use crate::render::Second;

/// Why a folder could not be read as a chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    #[error("unable to detect chart at {path}: {error}")]
    NoChartfile { path: String, error: String },
    #[error("{0}")]
    Ignore(#[from] IgnoreError),
    #[error("error reading {0}")]
    Read(#[from] ReadError),
    #[error("chart file {name:?} is larger than the maximum file size {limit}")]
    FileTooLarge { name: String, limit: u64 },
    #[error("the chart's folder holds more than {0} files")]
    TooMany(usize),
    #[error("folders lie more than {0} deep in the chart")]
    TooDeep(usize),
}

const MAX_FOLDER_DEPTH: usize = 600;

/// When a file was changed, where the caller knows it.
pub type Modified<'a> = &'a dyn Fn(&str) -> Option<Timestamp>;

/// Loads the chart that lies at `path` of the view.
pub fn load(tree: &dyn Tree, path: &str, limits: &Limits) -> Result<Chart, ChartError> {
    load_with_times(tree, path, limits, &|_| None)
}

/// Loads a chart and keeps each file's time; `modified` is asked with the path in the view.
pub fn load_with_times(
    tree: &dyn Tree,
    path: &str,
    limits: &Limits,
    modified: Modified<'_>,
) -> Result<Chart, ChartError> {
    load_ahead(tree, path, limits, modified, None)
}

/// The same for one render: a chart of many files begins a second thread, which parses templates while others are read.
pub fn load_ahead(
    tree: &dyn Tree,
    path: &str,
    limits: &Limits,
    modified: Modified<'_>,
    second: Option<&mut Option<Second>>,
) -> Result<Chart, ChartError> {
    let chartfile = join(path, "Chart.yaml");
    let found = tree.read(&chartfile);
    let data = found.map_err(|error| {
        let error = if error.is_not_found() {
            format!("open {chartfile}: no such file or directory")
        } else {
            error.to_string()
        };
        FolderError::NoChartfile { path: chartfile.clone(), error }
    })?;
    // The version is told before the rules file is read, which may even leave Chart.yaml out.
    let (third, name) = told_first(&data)?;
    let files = read_ahead(tree, path, limits, modified, second.map(|second| (name, second)))?;
    Load { limits, unpacked: 0, third }.files(files, 0)
}

/// The files of a chart's folder that count, in the order of their paths.
pub fn read(
    tree: &dyn Tree,
    path: &str,
    limits: &Limits,
    modified: Modified<'_>,
) -> Result<Vec<File>, FolderError> {
    read_ahead(tree, path, limits, modified, None)
}

/// `second` is begun when there are many files; the chart's name stands beside it.
fn read_ahead(
    tree: &dyn Tree,
    path: &str,
    limits: &Limits,
    modified: Modified<'_>,
    mut second: Option<(String, &mut Option<Second>)>,
) -> Result<Vec<File>, FolderError> {
    let rules = match tree.read(&join(path, ".helmignore")) {
        Ok(data) => IgnoreRules::parse(&String::from_utf8_lossy(&data))?,
        Err(_) => IgnoreRules::defaults(),
    };
    let real = tree.resolve(path).ok().map(|(real, _)| real);
    let begun = second.as_mut().map(|(_, second)| &mut **second);
    let mut walk = Walk { tree, root: path, rules, limits, found: Vec::new(), second: begun };
    // What comes before an error is told before it.
    let end = walk.folder("", real.as_deref(), 0);
    let Walk { found, .. } = walk;
    let mut contents = vec![None; found.len()];
    if let Some((chart, second)) = second.and_then(|(name, second)| Some((name, second.as_ref()?))) {
        // From the last on: what comes late in a chart, workloads and rules, takes longer to parse than what comes early,
        // and so the second thread has work while the rest is read.
        for (found, content) in found.iter().zip(&mut contents).rev() {
            // What is wrong is told in the order of the files.
            let Ok(data) = self::content(tree, path, limits, found).map(without_mark) else { break };
            if is_template(&found.name) {
                second.offer(format!("{chart}/{}", found.name), data.clone());
            }
            *content = Some(data);
        }
        second.complete();
    }
    let mut files = Vec::with_capacity(found.len());
    for (found, content) in found.into_iter().zip(contents) {
        let data = match content {
            Some(data) => data,
            None => without_mark(self::content(tree, path, limits, &found)?),
        };
        let modified = modified(&join(path, &found.name));
        files.push(File { name: found.name, data, modified });
    }
    end.map(|()| files)
}

/// Whether this is a template of the chart or of one within, for all that its path says.
fn is_template(mut path: &str) -> bool {
    while let Some((_, inner)) = path.strip_prefix("charts/").and_then(|rest| rest.split_once('/')) {
        path = inner;
    }
    path.starts_with("templates/")
}

/// A chart of so many files is worth a second thread.
const MANY: usize = 32;

/// A file that counts.
struct Found {
    name: String,
    /// Its real path, where that is known.
    real: Option<String>,
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    root: &'a str,
    rules: IgnoreRules,
    limits: &'a Limits,
    found: Vec<Found>,
    /// Begun when there are many files.
    second: Option<&'a mut Option<Second>>,
}

impl Walk<'_> {
    /// `real` is the folder's real path, where it is known.
    fn folder(&mut self, inside: &str, real: Option<&str>, depth: usize) -> Result<(), FolderError> {
        if depth > MAX_FOLDER_DEPTH {
            return Err(FolderError::TooDeep(MAX_FOLDER_DEPTH));
        }
        // Errors name the path that was asked for.
        let quick = real.and_then(|real| self.tree.list_real(real).ok());
        for entry in quick.map_or_else(|| self.tree.list(&join(self.root, inside)), Ok)? {
            let name = join(inside, &entry.name);
            let is_folder = entry.kind == EntryKind::Folder;
            if self.rules.ignores(&name, is_folder) {
                continue;
            }
            // What is no link has its real path in the folder's.
            let real = real.filter(|_| !entry.link).map(|real| join(real, &entry.name));
            if is_folder {
                self.folder(&name, real.as_deref(), depth + 1)?;
                continue;
            }
            if self.found.len() >= self.limits.files {
                return Err(FolderError::TooMany(self.limits.files));
            }
            self.found.push(Found { name, real });
            if let Some(second) = self.second.as_mut().filter(|_| self.found.len() == MANY) {
                **second = Second::begin();
            }
        }
        Ok(())
    }
}

fn content(tree: &dyn Tree, root: &str, limits: &Limits, found: &Found) -> Result<Bytes, FolderError> {
    let too_large = || {
        let name = found.name.rsplit('/').next().unwrap_or(&found.name).to_owned();
        FolderError::FileTooLarge { name, limit: limits.file_bytes }
    };
    // Errors name the path that was asked for.
    let quick = found.real.as_ref().and_then(|real| tree.read_real(real).ok());
    let data = match quick.map_or_else(|| tree.read(&join(root, &found.name)), Ok) {
        Err(ReadError::TooLarge { .. }) => return Err(too_large()),
        other => other?,
    };
    if data.len() as u64 > limits.file_bytes { Err(too_large()) } else { Ok(data) }
}

fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use sluice_tree::Memory;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> Memory {
        let mut tree = Memory::default();
        for (path, text) in files {
            tree.insert(path, text.as_bytes().to_vec()).unwrap();
        }
        tree
    }

    const CHARTFILE: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";

    #[test]
    fn a_folder_becomes_a_chart() {
        let mut tree = tree(&[
            ("x/app/Chart.yaml", CHARTFILE),
            ("x/app/.helmignore", "*.bak\nnotes/\n"),
            ("x/app/values.yaml", "a: 1\n---\nb: 2\n"),
            ("x/app/templates/a.yaml", "a"),
            ("x/app/templates/.hidden", "a"),
            ("x/app/old.bak", "a"),
            ("x/app/notes/n.md", "a"),
            ("x/app/README.md", "\u{feff}hello"),
            ("x/app/crds/c.yaml", "c"),
            ("x/app/charts/_skipped/Chart.yaml", "broken: ["),
            ("x/app/charts/sub/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 0.1.0\n"),
            ("shared/t.tpl", "shared"),
        ]);
        tree.insert_link("x/app/templates/_shared.tpl", "../../../shared/t.tpl").unwrap();
        let chart = load(&tree, "x/app", &Limits::default()).unwrap();
        assert_eq!(chart.name(), "app");
        let names = |files: &[File]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&chart.templates), ["templates/_shared.tpl", "templates/a.yaml"]);
        assert_eq!(names(&chart.files), [".helmignore", "README.md", "crds/c.yaml"]);
        assert_eq!(&chart.files[1].data[..], b"hello");
        assert_eq!(chart.dependencies.len(), 1);
        assert_eq!(chart.crds()[0].filename, "app/crds/c.yaml");
        assert_eq!(chart.values, Some(serde_json::json!({"a": 1.0, "b": 2.0})));
    }

    #[test]
    fn what_is_no_chart_is_refused() {
        for (files, want) in [
            (
                vec![("README", "x")],
                "unable to detect chart at Chart.yaml: open Chart.yaml: no such file or directory",
            ),
            (vec![("Chart.yaml", "apiVersion: v9\nname: a\nversion: 1.0.0\n")], "unsupported chart version"),
            (
                vec![("Chart.yaml", "apiVersion: v2\nversion: 1.0.0\n")],
                "validation: chart.metadata.name is required",
            ),
            (
                vec![("Chart.yaml", CHARTFILE), (".helmignore", "**\n")],
                "double-star (**) syntax is not supported",
            ),
            (
                vec![("Chart.yaml", CHARTFILE), ("charts/x.tgz", "no")],
                "error unpacking subchart x.tgz in app: gzip: invalid header",
            ),
            (
                vec![("Chart.yaml", CHARTFILE), ("charts/x/README.md", "no")],
                "error unpacking subchart x in app: Chart.yaml file is missing",
            ),
        ] {
            assert_eq!(load(&tree(&files), "", &Limits::default()).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn a_thousand_charts_within_charts_end_in_an_error() {
        let mut files = vec![("Chart.yaml".to_owned(), CHARTFILE.to_owned())];
        let mut path = String::new();
        for _ in 0..1000 {
            path.push_str("charts/a/");
            files.push((format!("{path}Chart.yaml"), CHARTFILE.replace("app", "a")));
        }
        let files =
            files.into_iter().map(|(name, text)| File { name, data: text.into(), modified: None }).collect();
        assert_eq!(Chart::load(files, &Limits::default()).unwrap_err(), ChartError::TooDeep(200));
    }
}
