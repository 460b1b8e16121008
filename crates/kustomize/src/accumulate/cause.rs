//! What `explain` says about each generator and transformer: the field of which file, and where its lines are found.

use std::collections::BTreeMap;
use std::rc::Rc;

use sluice_yaml::Node;

use super::Target;
use super::builtin::Step;
use crate::explain::observer::{self, Cause, Lines, Observer};
use crate::explain::trace;
use crate::generate;
use crate::nodes;
use crate::origin::join;
use crate::resource::Resource;

/// How many steps of each kind have been seen in one kustomization.
#[derive(Default)]
pub(super) struct Counts(BTreeMap<&'static str, usize>);

impl Counts {
    fn next(&mut self, kind: &'static str) -> usize {
        let count = self.0.entry(kind).or_default();
        *count += 1;
        *count - 1
    }
}

impl Target<'_> {
    /// A file named in this kustomization, as explanations show it.
    pub(super) fn shown_file(&self, path: &str) -> String {
        match self.loader.inside(path) {
            Some(place) => place,
            None => path.to_owned(),
        }
    }

    fn own_file(&self) -> String {
        if self.loader.is_remote() {
            format!("{}/{}", self.loader.shown(), self.file_name)
        } else {
            join(self.loader.root(), &self.file_name)
        }
    }

    /// A field of the kustomization's own text.
    fn own(&self, path: &[&str]) -> Option<&Node> {
        let mut node = self.text.as_deref()?;
        for part in path {
            node = match part.parse::<usize>() {
                Ok(at) => nodes::items(node).get(at)?,
                Err(_) => nodes::get(node, part)?,
            };
        }
        Some(node)
    }

    fn cause(&self, what: &str, path: &[&str], lines: Lines) -> Cause {
        let line = (0..=path.len()).rev().find_map(|end| self.own(&path[..end])).map_or(0, |node| node.line);
        Cause { file: self.own_file(), line, what: what.to_owned(), lines }
    }

    /// What the build notes about itself.
    pub(crate) fn cause_of_metadata(&self) -> Cause {
        self.cause("buildMetadata", &["buildMetadata"], Lines::Same)
    }

    /// Remembers where this kustomization's vars are written.
    pub(super) fn note_vars(&self, watcher: &Observer) {
        for (at, var) in self.kustomization.vars.iter().flatten().enumerate() {
            let line = self.own(&["vars", &at.to_string()]).map_or(0, |node| node.line);
            watcher.vars.borrow_mut().insert(var.name.clone(), (self.own_file(), line));
        }
    }

    pub(super) fn cause_of_step(&self, step: &Step, counts: &mut Counts) -> Cause {
        let file = &self.kustomization;
        let entries =
            |path: &[&str]| self.own(path).map_or(Lines::Same, |node| Lines::Entries(Rc::new(node.clone())));
        let nth = counts.next(step.kind());
        let at = nth.to_string();
        match step {
            Step::Merges(_) => {
                let list = file.patches_strategic_merge.as_deref().unwrap_or_default();
                self.cause_of_merge(list, nth)
            }
            Step::Patch(_) => {
                let what = format!("patches[{nth}]");
                let entry = file.patches.get(nth);
                let path = entry.map_or("", |entry| entry.path.as_str());
                self.cause_of_patch(&what, path, &["patches", &at, "patch"], &["patches", &at])
            }
            Step::Operations(_) => {
                let what = format!("patchesJson6902[{nth}]");
                let entry = file.patches_json6902.as_deref().unwrap_or_default().get(nth);
                let path = entry.map_or("", |entry| entry.path.as_str());
                self.cause_of_patch(
                    &what,
                    path,
                    &["patchesJson6902", &at, "patch"],
                    &["patchesJson6902", &at],
                )
            }
            Step::Namespace(..) => self.cause("namespace", &["namespace"], Lines::Same),
            Step::Prefix(..) => self.cause("namePrefix", &["namePrefix"], Lines::Same),
            Step::Suffix(..) => self.cause("nameSuffix", &["nameSuffix"], Lines::Same),
            Step::Labels(..) if nth < file.labels.len() => {
                let path = ["labels", &at, "pairs"];
                self.cause(&format!("labels[{nth}]"), &path, entries(&path))
            }
            Step::Labels(..) => self.cause("commonLabels", &["commonLabels"], entries(&["commonLabels"])),
            Step::Annotations(..) => {
                self.cause("commonAnnotations", &["commonAnnotations"], entries(&["commonAnnotations"]))
            }
            Step::Replica(..) => {
                self.cause(&format!("replicas[{nth}]"), &["replicas", &at, "count"], Lines::Same)
            }
            Step::Image(..) => self.cause(&format!("images[{nth}]"), &["images", &at], Lines::Same),
            Step::Replacements(_) => {
                self.cause(&format!("replacements[{nth}]"), &["replacements", &at], Lines::Same)
            }
        }
    }

    fn cause_of_patch(&self, what: &str, path: &str, inline: &[&str], entry: &[&str]) -> Cause {
        let lines = |documents: Rc<Vec<Node>>| {
            if documents.iter().any(|document| matches!(document.kind, sluice_yaml::Kind::Sequence(_))) {
                Lines::Operations(documents)
            } else {
                Lines::Documents(documents)
            }
        };
        if path.is_empty() {
            let documents = self.own(inline).map(observer::inline).unwrap_or_default();
            return self.cause(what, entry, lines(documents));
        }
        let content = self.loader.load(path).unwrap_or_default();
        let documents = observer::documents(&content, 0);
        let line = documents.first().map_or(0, |document| document.line);
        Cause { file: self.shown_file(path), line, what: what.to_owned(), lines: lines(documents) }
    }

    /// The entry of `patchesStrategicMerge` that one of its patches stands in.
    fn cause_of_merge(&self, list: &[String], nth: usize) -> Cause {
        let mut before = 0;
        for (at, entry) in list.iter().enumerate() {
            let count = |text: &[u8]| crate::read::objects(text, self.loader.budget()).map(|list| list.len());
            let what = format!("patchesStrategicMerge[{at}]");
            let index = at.to_string();
            let path = ["patchesStrategicMerge", index.as_str()];
            let (count, is_file) = match count(entry.as_bytes()) {
                Ok(count) => (count, false),
                Err(_) => (count(&self.loader.load(entry).unwrap_or_default()).unwrap_or(0), true),
            };
            if nth < before + count {
                return self.cause_of_patch(&what, if is_file { entry } else { "" }, &path, &path);
            }
            before += count;
        }
        self.cause("patchesStrategicMerge", &["patchesStrategicMerge"], Lines::Same)
    }

    /// The generator that has made the nth of what this kustomization generates.
    pub(super) fn cause_of_generator(
        &self,
        watcher: &Observer,
        nth: usize,
        configured: &[Resource],
    ) -> Cause {
        let file = &self.kustomization;
        let (maps, secrets) = (file.config_map_generator.len(), file.secret_generator.len());
        let at = |from: usize| (nth - from, (nth - from).to_string());
        if nth < maps {
            let (number, index) = at(0);
            let args = generate::Args::from(file.config_map_generator[number].clone());
            return self.cause_of_pairs("configMapGenerator", number, &index, &args);
        }
        if nth < maps + secrets {
            let (number, index) = at(maps);
            let args = generate::Args::from(file.secret_generator[number].clone());
            return self.cause_of_pairs("secretGenerator", number, &index, &args);
        }
        let charts = maps + secrets + file.helm_charts.len();
        if nth < charts {
            let (number, index) = at(maps + secrets);
            return self.cause(&format!("helmCharts[{number}]"), &["helmCharts", &index], Lines::Same);
        }
        self.cause_of_plugin(watcher, "generators", configured.get(nth - charts))
    }

    fn cause_of_pairs(&self, field: &str, number: usize, index: &str, args: &generate::Args) -> Cause {
        let mut keys: BTreeMap<String, (String, u32)> = BTreeMap::new();
        let line = |list: &str, at: usize| {
            let at = at.to_string();
            self.own(&[field, index, list, &at]).map_or(0, |node| node.line)
        };
        for path in &args.envs {
            let content = self.loader.load(path).unwrap_or_default();
            for (at, line) in String::from_utf8_lossy(&content).lines().enumerate() {
                let key = line.trim_start().split('=').next().unwrap_or_default().to_owned();
                keys.insert(key, (self.shown_file(path), at as u32 + 1));
            }
        }
        for (at, literal) in args.literals.iter().enumerate() {
            let key = literal.split('=').next().unwrap_or_default().to_owned();
            keys.insert(key, (self.own_file(), line("literals", at)));
        }
        for source in &args.files {
            let (key, path) = match source.split_once('=') {
                Some(pair) => pair,
                None => (source.trim_end_matches('/').rsplit('/').next().unwrap_or(source), source.as_str()),
            };
            keys.insert(key.to_owned(), (self.shown_file(path), 1));
        }
        self.cause(&format!("{field}[{number}]"), &[field, index], Lines::Keys(Rc::new(keys)))
    }

    /// A generator or transformer that is an object of its own.
    pub(super) fn cause_of_plugin(
        &self,
        watcher: &Observer,
        field: &str,
        resource: Option<&Resource>,
    ) -> Cause {
        let Some(resource) = resource else { return self.cause(field, &[field], Lines::Same) };
        let what = format!("{} {}", resource.kind(), resource.name());
        let first = resource.trace.as_ref().and_then(|trace| {
            let chain = trace.chain(&[trace::Step::Field("kind".into())])?;
            watcher.touch(*chain.first()?)
        });
        match first {
            Some(touch) => Cause { file: touch.file, line: touch.line, what, lines: Lines::Same },
            None => self.cause(&what, &[field], Lines::Same),
        }
    }
}
