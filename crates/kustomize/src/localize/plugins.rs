//! What generators, transformers, validators and charts of a root name.

use bytes::Bytes;
use serde_json::Value;
use sluice_tree::{EntryKind, Tree};
use sluice_yaml::{Kind, Node};

use super::{Root, places};
use crate::error::{Error, Result, fail};
use crate::file::Kustomization;
use crate::origin::join;
use crate::text;

/// Where charts lie when nothing says otherwise.
const CHARTS: &str = "charts";
/// Files of one chart home.
const MOST_FILES: usize = 50_000;

impl Root<'_, '_> {
    pub(super) fn charts(&self, file: &mut Kustomization) -> Result<()> {
        for (at, chart) in file.helm_chart_inflation_generator.iter_mut().enumerate() {
            let entry = |what: &str| format!("unable to {what} helmChartInflationGenerator entry {at}");
            chart.values = self
                .file(&chart.values)
                .map_err(|error| error.within(format_args!("{} values", entry("localize"))))?;
            chart.chart_home = self.home(&chart.chart_home).map_err(|error| error.within(entry("copy")))?;
        }
        for (at, chart) in file.helm_charts.iter_mut().enumerate() {
            let told = |field: &'static str| {
                move |error: Error| {
                    error.within(format_args!("unable to localize helmCharts entry {at} {field}"))
                }
            };
            chart.values_file = self.file(&chart.values_file).map_err(told("valuesFile"))?;
            for path in &mut chart.additional_values_files {
                *path = self.file(path).map_err(told("additionalValuesFiles"))?;
            }
        }
        if let Some(globals) = &mut file.helm_globals {
            globals.chart_home =
                self.home(&globals.chart_home).map_err(|error| error.within("unable to copy helmGlobals"))?;
        } else if !file.helm_charts.is_empty() {
            self.home("").map_err(|error| error.within("unable to copy default chart home"))?;
        }
        Ok(())
    }

    /// Copies a chart home; one that is not there may be filled later.
    fn home(&self, entry: &str) -> Result<String> {
        if entry.starts_with('/') {
            fail!("absolute path {entry:?} not handled in alpha");
        }
        let path = if entry.is_empty() { CHARTS } else { entry };
        let copied = self
            .copy_home(path)
            .map_err(|error| error.within(format_args!("unable to copy home {entry:?}")))?;
        Ok(if entry.is_empty() { String::new() } else { copied })
    }

    fn copy_home(&self, path: &str) -> Result<String> {
        let clean = crate::origin::clean(path);
        let place = self.loader.locate(&clean).unwrap_or_default();
        if self.loader.tree().kind(&place).is_err() {
            return Ok(clean);
        }
        let home = self
            .loader
            .enter(&clean)
            .map_err(|error| error.within("invalid chart home: invalid root reference"))?;
        if self.local {
            self.check_scope(&home).map_err(|error| error.within("invalid chart home"))?;
        }
        let real = places::relative(self.loader.root(), home.root());
        let to = if clean == CHARTS { clean } else { real };
        let mut count = 0;
        self.copy_folder(home.tree(), home.root(), &join(&self.to, &to), 0, &mut count)
            .map_err(|error| error.within(format_args!("unable to copy chart home {path:?}")))?;
        Ok(to)
    }

    fn copy_folder(
        &self,
        tree: &dyn Tree,
        from: &str,
        to: &str,
        depth: u32,
        count: &mut usize,
    ) -> Result<()> {
        self.loader.budget().check_depth(depth)?;
        self.copy.borrow_mut().folders.insert(to.to_owned());
        let unreadable = |error: sluice_tree::ReadError| Error::new(error.to_string());
        for entry in tree.list(from).map_err(unreadable)?.into_iter().filter(|entry| !entry.link) {
            *count += 1;
            if *count > MOST_FILES {
                fail!("more than {MOST_FILES} files");
            }
            let (from, to) = (join(from, &entry.name), join(to, &entry.name));
            if entry.kind == EntryKind::Folder {
                self.copy_folder(tree, &from, &to, depth + 1, count)?;
            } else {
                let content = tree.read(&from).map_err(unreadable)?;
                self.loader.budget().charge_bytes(content.len() as u64)?;
                self.copy.borrow_mut().files.insert(to, content);
            }
        }
        Ok(())
    }

    pub(super) fn plugins(&self, file: &mut Kustomization) -> Result<()> {
        for (name, entries) in [
            ("generators", &mut file.generators),
            ("transformers", &mut file.transformers),
            ("validators", &mut file.validators),
        ] {
            for entry in entries {
                let (objects, is_path) = self
                    .objects(entry)
                    .map_err(|error| error.within(format_args!("unable to load {name} entry")))?;
                let mut texts = Vec::with_capacity(objects.len());
                for mut object in objects {
                    self.plugin(&mut object)?;
                    texts.push(text::to_yaml(object)?);
                }
                let all = texts.join("---\n");
                *entry = if is_path {
                    self.copy_file(entry, Bytes::from(all))
                        .map_err(|error| error.within(format_args!("unable to localize {name} entry")))?
                } else {
                    all
                };
            }
        }
        Ok(())
    }

    fn plugin(&self, object: &mut Node) -> Result<()> {
        if object.get_str("apiVersion") != Some("builtin") {
            return Ok(());
        }
        let kind = object.get_str("kind").unwrap_or_default().to_owned();
        let file = |path: &str| self.file(path);
        match kind.as_str() {
            "ConfigMapGenerator" | "SecretGenerator" => {
                each(object, &["env"], &file)?;
                each(object, &["envs"], &file)?;
                each(object, &["files"], &|source| self.file_source(source))
            }
            "HelmChartInflationGenerator" => {
                each(object, &["valuesFile"], &file)?;
                each(object, &["additionalValuesFiles"], &file)?;
                if object.get("chartHome").is_none() {
                    return self.home("").map(|_| ());
                }
                each(object, &["chartHome"], &|home| self.home(home))
            }
            "PatchTransformer" | "PatchJson6902Transformer" => each(object, &["path"], &file),
            "ReplacementTransformer" => each(object, &["replacements", "path"], &file),
            "PatchStrategicMergeTransformer" => each(object, &["paths"], &|entry| self.entry(entry)),
            _ => Ok(()),
        }
    }
}

/// Puts a new text in place of each one at a path of fields.
fn each(node: &mut Node, path: &[&str], local: &dyn Fn(&str) -> Result<String>) -> Result<()> {
    if let Kind::Sequence(items) = &mut node.kind {
        return items.iter_mut().try_for_each(|item| each(item, path, local));
    }
    let Some((first, rest)) = path.split_first() else {
        let Kind::Scalar(text) = &node.kind else { fail!("expected sequence or scalar node") };
        let local = local(text)?;
        *node = sluice_yaml::json::from_value(&Value::from(local));
        return Ok(());
    };
    node.get_mut(first).map_or(Ok(()), |inner| each(inner, rest, local))
}
