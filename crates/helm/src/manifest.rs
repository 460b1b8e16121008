//! Rendered files into documents: splitting, hooks, and the order in which kinds are installed and uninstalled.

mod order;

use order::rank;
pub use order::{INSTALL_ORDER, UNINSTALL_ORDER};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;
use sluice_yaml::json::{Part, from_yaml, from_yaml_parts};

use crate::chart::typed::{At, Typed, field};
use crate::render::RenderCache;

pub const HOOK: &str = "helm.sh/hook";
pub const HOOK_WEIGHT: &str = "helm.sh/hook-weight";
pub const HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
pub const HOOK_OUTPUT_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    pub const ALL: [Self; 9] = [
        Self::PreInstall,
        Self::PostInstall,
        Self::PreDelete,
        Self::PostDelete,
        Self::PreUpgrade,
        Self::PostUpgrade,
        Self::PreRollback,
        Self::PostRollback,
        Self::Test,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }

    /// Reads an event name; `test-success` is the old name of `test`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "test-success" {
            return Some(Self::Test);
        }
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

/// A document that is no part of the release proper.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    pub name: String,
    pub kind: String,
    pub path: String,
    pub manifest: String,
    pub events: Vec<HookEvent>,
    pub weight: i64,
    pub delete_policies: Vec<String>,
    pub output_log_policies: Vec<String>,
}

/// One document of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file it came from, `app/templates/x.yaml`.
    pub name: String,
    pub content: String,
    pub api_version: String,
    pub kind: String,
}

/// What a sort gives: hooks, manifests, and remarks on hooks that were left out.
#[derive(Debug, Clone, Default)]
pub struct Sorted {
    pub hooks: Vec<Hook>,
    pub manifests: Vec<Manifest>,
    pub skipped: Vec<String>,
}

/// A file that is no YAML, or no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {path}: {text}")]
pub struct ManifestError {
    pub path: String,
    pub text: String,
}

/// Splits a text at its `---` lines. Documents of blanks are dropped, leading blanks too.
pub fn split(text: &str) -> Vec<&str> {
    places(text).into_iter().map(|place| &text[place]).collect()
}

/// Where the documents of a text are.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut documents = Vec::new();
    let mut add = |start: usize, end: usize| {
        let start = end - text[start..end].trim_start().len();
        if start < end {
            documents.push(start..end);
        }
    };
    let mut line = text.len() - text.trim_start().len();
    let mut start = line;
    loop {
        if text[line..].starts_with("---") {
            add(start, line);
            let after = &text[line + 3..];
            start = text.len() - after.trim_start_matches([' ', '\t']).len();
        }
        match memchr::memmem::find(&text.as_bytes()[line..], b"\n---") {
            Some(length) => line += length + 1,
            None => break,
        }
    }
    add(start, text.len());
    documents
}

/// Heads of documents that were read before, by their text.
#[derive(Debug)]
pub struct Heads {
    known: HashMap<Box<str>, Head, ahash::RandomState>,
    /// Hashes of documents that were read once: a text is kept when it comes again.
    seen: HashSet<u64, ahash::RandomState>,
    bytes: usize,
    /// The most bytes of documents that are kept.
    limit: usize,
}

impl Default for Heads {
    fn default() -> Self {
        Self { known: HashMap::default(), seen: HashSet::default(), bytes: 0, limit: 16 << 20 }
    }
}

impl Heads {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self { limit: 0, ..Self::default() }
    }

    fn read(&mut self, document: &str) -> Result<Head, String> {
        if let Some(head) = self.known.get(document) {
            return Ok(head.clone());
        }
        let head = Head::read(document)?;
        if document.len() > self.limit || !self.is_seen(document) {
            return Ok(head);
        }
        if self.bytes + document.len() > self.limit {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += document.len();
        self.known.insert(document.into(), head.clone());
        Ok(head)
    }
}

impl Heads {
    /// The most hashes that are kept.
    const MANY: usize = 1 << 16;

    fn is_seen(&mut self, document: &str) -> bool {
        if self.seen.len() >= Self::MANY {
            self.seen.clear();
        }
        let hash = self.known.hasher().hash_one(document);
        !self.seen.insert(hash)
    }
}

/// Sorts rendered files into hooks and manifests; partials and blank files are left out.
pub fn sort(files: &BTreeMap<String, String>, order: &[&str]) -> Result<Sorted, ManifestError> {
    sort_cached(files.clone(), order, &mut Heads::none(), Vec::new()).map_err(|(error, _)| error)
}

/// The same for files that were rendered just now.
pub fn sort_rendered(
    files: BTreeMap<String, String>,
    order: &[&str],
    cache: &mut RenderCache,
) -> Result<Sorted, ManifestError> {
    let refused = std::mem::take(&mut cache.refused);
    sort_cached(files, order, &mut cache.heads, refused).map_err(|(error, _)| error)
}

/// The same, with documents that may have been read before; a file of one document becomes that document. The files are
/// given back where one of them is wrong. `ahead` are files that are read already.
pub(crate) fn sort_cached(
    files: Files,
    order: &[&str],
    heads: &mut Heads,
    mut ahead: Vec<Ahead>,
) -> Result<Sorted, (ManifestError, Files)> {
    ahead.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut of_file = |(path, content): (&String, &String)| {
        let known = ahead.binary_search_by(|(known, _)| known.cmp(path)).ok();
        let documents = match known {
            Some(at) => std::mem::replace(&mut ahead[at].1, Ok(Vec::new())),
            None => documents(path, content, &mut |document| heads.read(document)),
        };
        documents.map_err(|text| ManifestError { path: path.clone(), text })
    };
    let known = files.iter().map(&mut of_file).collect::<Result<_, _>>();
    match known {
        Ok(known) => Ok(sort_known(files, known, order)),
        Err(error) => Err((error, files)),
    }
}

/// A file's name, and its documents or why it has none.
pub(crate) type Ahead = (String, Result<Documents, String>);

/// Reads a file that is about to be sorted.
pub(crate) fn read_ahead(path: &str, content: &str) -> Ahead {
    let read = documents(path, content, &mut |document| Head::read(document));
    (path.to_owned(), read)
}

/// What is wrong with a printed file that is no UTF-8, where it counts: its documents are read as they were printed.
pub(crate) fn refusal(path: &str, content: &[u8]) -> Option<Ahead> {
    let last = path.rsplit('/').next().unwrap_or(path);
    if last.starts_with('_') || path.ends_with(NOTES) {
        return None;
    }
    let read = |document: &[u8]| match std::str::from_utf8(document) {
        Ok(text) => places(text).into_iter().find_map(|place| Head::read(&text[place]).err()),
        Err(_) => from_yaml(document).err().map(|error| format!("error converting YAML to JSON: {error}")),
    };
    let mut rest = content;
    loop {
        let end = memchr::memmem::find(rest, b"\n---").map_or(rest.len(), |at| at + 1);
        let document = rest[..end].strip_prefix(b"---").unwrap_or(&rest[..end]);
        if let Some(text) = read(document.trim_ascii_start()) {
            return Some((path.to_owned(), Err(text)));
        }
        rest = &rest[end..];
        if rest.is_empty() {
            return None;
        }
    }
}

/// Where files end whose text is for people.
pub(crate) const NOTES: &str = "NOTES.txt";

/// Rendered files by path.
type Files = BTreeMap<String, String>;
/// The documents of one file.
pub(crate) type Documents = Vec<(Range<usize>, Head)>;

/// The documents of a file; partials have none.
fn documents(
    path: &str,
    content: &str,
    read: &mut dyn FnMut(&str) -> Result<Head, String>,
) -> Result<Documents, String> {
    let last = path.rsplit('/').next().unwrap_or(path);
    let places = if last.starts_with('_') { Vec::new() } else { places(content) };
    places.into_iter().map(|place| read(&content[place.clone()]).map(|head| (place, head))).collect()
}

fn sort_known(files: Files, known: Vec<Documents>, order: &[&str]) -> Sorted {
    let mut sorted = Sorted::default();
    for ((path, mut content), mut documents) in files.into_iter().zip(known) {
        let last = documents.pop();
        for (place, head) in documents {
            put(&mut sorted, path.clone(), content[place].to_owned(), head);
        }
        if let Some((place, head)) = last {
            content.truncate(place.end);
            content.drain(..place.start);
            put(&mut sorted, path, content, head);
        }
    }
    sorted.hooks.sort_by_cached_key(|hook| rank(order, &hook.kind));
    sorted.manifests.sort_by_cached_key(|manifest| rank(order, &manifest.kind));
    sorted
}

fn put(sorted: &mut Sorted, path: String, document: String, head: Head) {
    let Some(events) = head.annotations.get(HOOK) else {
        sorted.manifests.push(Manifest {
            name: path,
            content: document,
            api_version: head.api_version,
            kind: head.kind,
        });
        return;
    };
    let parsed: Option<Vec<_>> =
        events.split(',').map(|event| HookEvent::parse(&event.trim().to_lowercase())).collect();
    let Some(parsed) = parsed else {
        sorted.skipped.push(format!("skipping unknown hooks hookTypes={events:?}"));
        return;
    };
    let policies = |annotation: &str| {
        let given = head.annotations.get(annotation);
        given.map(|text| text.split(',').map(|one| one.trim().to_lowercase()).collect()).unwrap_or_default()
    };
    sorted.hooks.push(Hook {
        name: head.name.clone(),
        path,
        manifest: document,
        events: parsed,
        weight: head.annotations.get(HOOK_WEIGHT).and_then(|weight| weight.parse().ok()).unwrap_or_default(),
        delete_policies: policies(HOOK_DELETE_POLICY),
        output_log_policies: policies(HOOK_OUTPUT_LOG_POLICY),
        kind: head.kind,
    });
}

/// The hooks of one event in the order in which they run.
pub fn hooks_for(hooks: &[Hook], event: HookEvent) -> Vec<&Hook> {
    let mut chosen: Vec<_> = hooks.iter().filter(|hook| hook.events.contains(&event)).collect();
    chosen.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
    chosen
}

/// What a document says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub annotations: BTreeMap<String, String>,
}

const METADATA_TYPE: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

/// All that a head is made of.
const HEAD: Part = Part::Keys(&[
    ("apiVersion", Part::Whole),
    ("kind", Part::Whole),
    ("metadata", Part::Keys(&[("name", Part::Whole), ("annotations", Part::Whole)])),
]);

impl Head {
    pub(crate) fn read(document: &str) -> Result<Self, String> {
        let value = from_yaml_parts(document, HEAD)
            .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
        let mut typed = Typed::default();
        let mut head = Self::default();
        let root = At { owner: "SimpleHead", path: "" };
        for (key, value) in typed.map(&value, root, "util.SimpleHead").into_iter().flatten() {
            let Some(path) = field(&["apiVersion", "kind", "metadata"], key) else { continue };
            let at = At { owner: "SimpleHead", path };
            match path {
                "apiVersion" => head.api_version = typed.string(value, at).unwrap_or(head.api_version),
                "kind" => head.kind = typed.string(value, at).unwrap_or(head.kind),
                _ => head.read_metadata(value, &mut typed),
            }
        }
        typed.finish().map(|()| head)
    }

    fn read_metadata(&mut self, value: &Value, typed: &mut Typed) {
        let at = At { owner: "SimpleHead", path: "metadata" };
        for (key, value) in typed.map(value, at, METADATA_TYPE).into_iter().flatten() {
            match field(&["name", "annotations"], key) {
                Some("name") => {
                    let name = typed.string(value, At { owner: "", path: "metadata.name" });
                    self.name = name.unwrap_or_default();
                }
                Some(_) => {
                    let at = At { owner: "", path: "metadata.annotations" };
                    for (key, value) in typed.map(value, at, "map[string]string").into_iter().flatten() {
                        let text = typed.string(value, at).unwrap_or_default();
                        self.annotations.insert(key.clone(), text);
                    }
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_as_helm_splits_them() {
        for (text, want) in [
            ("a: 1\n---\nb: 2\n", vec!["a: 1\n", "b: 2\n"]),
            ("\n\n---\n---\n  a\n---  \t\n", vec!["a\n"]),
            ("---a: 1", vec!["a: 1"]),
            ("a: |\n  ---\n  b\n", vec!["a: |\n  ---\n  b\n"]),
            ("a\n--- # c\nb", vec!["a\n", "# c\nb"]),
            ("---", vec![]),
            ("", vec![]),
            ("----\n", vec!["-\n"]),
        ] {
            assert_eq!(split(text), want, "{text:?}");
        }
    }

    fn files(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn kinds_are_ordered_and_hooks_kept_apart() {
        let files = files(&[
            ("a/templates/z.yaml", "kind: Service\n---\nkind: Zoo\n---\nkind: Namespace\n"),
            ("a/templates/a.yaml", "kind: Deployment\n---\nkind: Ant\n"),
            ("a/templates/_x.tpl", "kind: [broken"),
            (
                "a/templates/h.yaml",
                "kind: Job\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: Pre-Install, test-success\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded,Before-Hook-Creation\n",
            ),
            ("a/templates/u.yaml", "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: pre-party\n"),
        ]);
        let sorted = sort(&files, INSTALL_ORDER).unwrap();
        let kinds: Vec<_> = sorted.manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "Service", "Deployment", "Ant", "Zoo"]);
        assert_eq!(sorted.hooks.len(), 1);
        let hook = &sorted.hooks[0];
        assert_eq!((hook.name.as_str(), hook.weight), ("h", -5));
        assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::Test]);
        assert_eq!(hook.delete_policies, ["hook-succeeded", "before-hook-creation"]);
        assert_eq!(sorted.skipped, ["skipping unknown hooks hookTypes=\"pre-party\""]);
        let backwards = sort(&files, UNINSTALL_ORDER).unwrap();
        let kinds: Vec<_> = backwards.manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["Service", "Deployment", "Namespace", "Ant", "Zoo"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let error = |text: &str| {
            sort(&files(&[("a/templates/x.yaml", text)]), INSTALL_ORDER).unwrap_err().to_string()
        };
        assert_eq!(
            error("just text"),
            "YAML parse error on a/templates/x.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type util.SimpleHead"
        );
        assert!(
            error("metadata: {name: [1]}")
                .ends_with("cannot unmarshal array into Go struct field .metadata.name of type string")
        );
        assert!(
            error("a: [")
                .starts_with("YAML parse error on a/templates/x.yaml: error converting YAML to JSON: yaml: ")
        );
    }

    #[test]
    fn hooks_run_by_weight_and_name() {
        let hook = |name: &str, weight| Hook {
            name: name.into(),
            kind: "Job".into(),
            path: String::new(),
            manifest: String::new(),
            events: vec![HookEvent::Test],
            weight,
            delete_policies: vec![],
            output_log_policies: vec![],
        };
        let hooks = [hook("b", 0), hook("a", 0), hook("c", -1)];
        let names: Vec<_> =
            hooks_for(&hooks, HookEvent::Test).into_iter().map(|hook| &hook.name[..]).collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert!(hooks_for(&hooks, HookEvent::PreInstall).is_empty());
    }
}
