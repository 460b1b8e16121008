//! One object in the making: its tree, and what kustomize remembers about it (old names, prefixes, origin).
//!
//! kustomize keeps these memories as annotations under `internal.config.kubernetes.io`; here they are fields, and
//! `seal` and `unseal` put a mark into the annotations where a patch could wipe them out, as it does upstream.

use std::collections::BTreeMap;

use sluice_yaml::{Kind, Node, Tag};
use smol_str::SmolStr;

use crate::error::Result;
use crate::explain::trace::Trace;
use crate::ids::{Gvk, ResId};
use crate::nodes;
use crate::origin::Origin;
use crate::schema::Schemas;

/// A name that an object had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormerName {
    pub namespace: SmolStr,
    pub name: SmolStr,
    pub kind: SmolStr,
}

/// How a generated object meets one that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Behavior::Create,
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            _ => Behavior::Unspecified,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Behavior::Unspecified => "unspecified",
            Behavior::Create => "create",
            Behavior::Replace => "replace",
            Behavior::Merge => "merge",
        }
    }
}

/// What kustomize remembers in build annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub former: Vec<FormerName>,
    pub prefixes: Vec<SmolStr>,
    pub suffixes: Vec<SmolStr>,
    pub behavior: Behavior,
    pub needs_hash: bool,
    pub allows_name_change: bool,
    pub allows_kind_change: bool,
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// `None` once a patch has deleted it.
    pub node: Option<Node>,
    pub memory: Memory,
    /// Vars that read from here.
    pub var_names: Vec<String>,
    /// The next free mark of nodes that are shared (`share`).
    pub next_share: u32,
    /// Where it was read from: index into the build's sources, for `explain`.
    pub source: Option<u32>,
    /// How its identity went through the build, where that is recorded.
    pub trail: Vec<Waymark>,
    /// Where it stood when names were carried over, where that is recorded.
    pub place: usize,
    /// Where its values come from, where that is asked for.
    pub trace: Option<Box<Trace>>,
}

/// What other objects could see of an object from some transformer on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waymark {
    pub layer: u32,
    pub stage: u32,
    pub id: ResId,
    pub former: usize,
    pub affixes: (usize, usize),
}

/// The annotation that stands for the memory while a patch runs.
const SEAL: &str = "internal.config.kubernetes.io/previousNames";

/// Annotations of kustomize's own that never reach the output.
const BUILD_ANNOTATIONS: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    SEAL,
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "internal.config.kubernetes.io/helm-generated",
];

pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

impl Resource {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            node: Some(node),
            memory: Memory::default(),
            var_names: Vec::new(),
            next_share: 1,
            source: None,
            trail: Vec::new(),
            place: 0,
            trace: None,
        }
    }

    /// The tree; an empty one once deleted.
    pub(crate) fn tree(&self) -> &Node {
        static GONE: std::sync::LazyLock<Node> = std::sync::LazyLock::new(Node::null);
        self.node.as_ref().unwrap_or(&GONE)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.node.as_ref().is_none_or(nodes::is_empty)
    }

    pub(crate) fn kind(&self) -> &str {
        nodes::get(self.tree(), "kind").map_or("", nodes::text)
    }

    pub(crate) fn api_version(&self) -> &str {
        nodes::get(self.tree(), "apiVersion").map_or("", nodes::text)
    }

    pub(crate) fn gvk(&self) -> Gvk {
        let (group, version) = crate::ids::split_api_version(self.api_version());
        let kind = nodes::get(self.tree(), "kind").map(nodes::smol).unwrap_or_default();
        Gvk { group: group.into(), version: version.into(), kind }
    }

    fn metadata(&self) -> Option<&Node> {
        nodes::get(self.tree(), "metadata").filter(|metadata| !nodes::is_empty(metadata))
    }

    fn metadata_text(&self, field: &str) -> SmolStr {
        self.metadata()
            .and_then(|metadata| nodes::get(metadata, field))
            .filter(|value| !nodes::is_empty(value))
            .map(nodes::smol)
            .unwrap_or_default()
    }

    pub(crate) fn name(&self) -> SmolStr {
        self.metadata_text("name")
    }

    pub(crate) fn namespace(&self) -> SmolStr {
        self.metadata_text("namespace")
    }

    pub(crate) fn annotations(&self) -> BTreeMap<SmolStr, SmolStr> {
        nodes::string_map(self.metadata().and_then(|metadata| nodes::get(metadata, "annotations")))
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<SmolStr> {
        let annotations = nodes::get(self.metadata()?, "annotations")?;
        nodes::get(annotations, name).map(nodes::smol)
    }

    pub(crate) fn labels(&self) -> BTreeMap<SmolStr, SmolStr> {
        nodes::string_map(self.metadata().and_then(|metadata| nodes::get(metadata, "labels")))
    }

    /// What it is called now.
    pub(crate) fn id(&self, schemas: &Schemas) -> ResId {
        let cluster = schemas.is_cluster_scoped(self.api_version(), self.kind());
        ResId { gvk: self.gvk(), name: self.name(), namespace: self.namespace(), cluster }
    }

    /// What it was called, oldest first.
    pub(crate) fn former_ids(&self) -> impl Iterator<Item = ResId> {
        let gvk = self.gvk();
        self.memory.former.iter().map(move |former| ResId {
            gvk: Gvk { kind: former.kind.clone(), ..gvk.clone() },
            name: former.name.clone(),
            namespace: former.namespace.clone(),
            cluster: false,
        })
    }

    /// What it was called at first.
    pub(crate) fn first_id(&self, schemas: &Schemas) -> ResId {
        self.former_ids().next().unwrap_or_else(|| self.id(schemas))
    }

    /// Notes what others can see, where it has changed.
    pub(crate) fn note_trail(&mut self, layer: u32, stage: u32, schemas: &Schemas) {
        let memory = &self.memory;
        let affixes = (memory.prefixes.len(), memory.suffixes.len());
        let (id, former) = (self.id(schemas), memory.former.len());
        let is_same = self
            .trail
            .last()
            .is_some_and(|mark| (&mark.id, mark.former, mark.affixes) == (&id, former, affixes));
        if !is_same {
            self.trail.push(Waymark { layer, stage, id, former, affixes });
        }
    }

    /// Remembers the present name.
    pub(crate) fn remember_id(&mut self, schemas: &Schemas) {
        let id = self.id(schemas);
        // An empty part is not appended to kustomize's comma-separated lists.
        if id.name.is_empty() {
            return;
        }
        // kustomize keeps this among the annotations, which makes an empty field a mapping.
        let metadata = self.node.as_mut().and_then(|node| nodes::get_mut(node, "metadata"));
        if let Some(annotations) = metadata.and_then(|metadata| nodes::get_mut(metadata, "annotations"))
            && annotations.tag == Tag::Null
        {
            *annotations = Node::mapping(Vec::new());
        }
        self.memory.former.push(FormerName {
            namespace: id.effective_namespace().into(),
            name: id.name,
            kind: id.gvk.kind,
        });
    }

    fn tree_mut(&mut self) -> Option<&mut Node> {
        self.node.as_mut()
    }

    pub(crate) fn set_kind(&mut self, kind: &str) -> Result<()> {
        self.set_top("kind", kind)
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) -> Result<()> {
        self.set_top("apiVersion", api_version)
    }

    fn set_top(&mut self, field: &str, text: &str) -> Result<()> {
        match self.tree_mut() {
            Some(node) => nodes::set_field(node, field, nodes::untagged(text)),
            None => Ok(()),
        }
    }

    pub(crate) fn set_name(&mut self, name: &str) -> Result<()> {
        let Some(node) = self.tree_mut() else { return Ok(()) };
        nodes::set_field(nodes::mapping_field(node, "metadata")?, "name", nodes::untagged(name))
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) -> Result<()> {
        let Some(node) = self.tree_mut() else { return Ok(()) };
        if namespace.is_empty() {
            if let Some(metadata) = nodes::get_mut(node, "metadata") {
                nodes::clear(metadata, "namespace");
            }
            return Ok(());
        }
        nodes::set_field(nodes::mapping_field(node, "metadata")?, "namespace", nodes::untagged(namespace))
    }

    fn set_metadata_map(&mut self, field: &str, map: &BTreeMap<SmolStr, SmolStr>) -> Result<()> {
        let Some(node) = self.tree_mut() else { return Ok(()) };
        let metadata = nodes::mapping_field(node, "metadata")?;
        nodes::expect_mapping(metadata)?;
        nodes::clear(metadata, field);
        if map.is_empty() {
            return Ok(());
        }
        let entries =
            map.iter().map(|(name, text)| (nodes::key(name.clone()), Node::string(text.clone()))).collect();
        nodes::set_field(metadata, field, Node::mapping(entries))
    }

    pub(crate) fn set_annotations(&mut self, map: &BTreeMap<SmolStr, SmolStr>) -> Result<()> {
        self.set_metadata_map("annotations", map)
    }

    /// Marks a patch as one that may change names or kinds. The mark is an annotation, and it is merged like others.
    pub(crate) fn allow_change(&mut self, what: &str) -> Result<()> {
        let mut annotations = self.annotations();
        annotations
            .insert(smol_str::format_smolstr!("internal.config.kubernetes.io/{what}"), "enabled".into());
        self.set_annotations(&annotations)
    }

    pub(crate) fn set_labels(&mut self, map: &BTreeMap<SmolStr, SmolStr>) -> Result<()> {
        self.set_metadata_map("labels", map)
    }

    pub(crate) fn origin(&self) -> Result<Option<Origin>> {
        self.annotation(ORIGIN).map(|text| Origin::parse(&text)).transpose()
    }

    pub(crate) fn set_origin(&mut self, origin: Option<&Origin>) -> Result<()> {
        let mut annotations = self.annotations();
        match origin {
            None => annotations.remove(ORIGIN),
            Some(origin) => annotations.insert(ORIGIN.into(), origin.to_text().into()),
        };
        self.set_annotations(&annotations)
    }

    /// Adds one transformer to the list of those that worked on this object.
    pub(crate) fn add_transformation(&mut self, origin: &Origin) -> Result<()> {
        let mut annotations = self.annotations();
        // Each origin is printed as one list item, so appending text is appending an item.
        let before = annotations.get(TRANSFORMATIONS).cloned().unwrap_or_default();
        annotations.insert(TRANSFORMATIONS.into(), format!("{before}{}", origin.to_item()).into());
        self.set_annotations(&annotations)
    }

    /// True for objects that serve the build only.
    pub(crate) fn is_local_config(&self) -> bool {
        self.annotation(LOCAL_CONFIG).is_some_and(|text| text != "false")
    }

    pub(crate) fn has_memory(&self) -> bool {
        let memory = &self.memory;
        !memory.former.is_empty()
            || !memory.prefixes.is_empty()
            || !memory.suffixes.is_empty()
            || memory.needs_hash
            || memory.behavior != Behavior::Unspecified
    }

    /// Puts a mark among the annotations for the time of a patch.
    pub(crate) fn seal(&mut self) -> Result<bool> {
        if !self.has_memory() {
            return Ok(false);
        }
        let Some(node) = self.tree_mut() else { return Ok(false) };
        let annotations = nodes::mapping_field(nodes::mapping_field(node, "metadata")?, "annotations")?;
        nodes::entries_mut(annotations)?.push((nodes::key(SEAL), Node::string("x")));
        Ok(true)
    }

    /// Gives a sealed object as many annotations as kustomize keeps its memory in.
    pub(crate) fn seal_openly(&mut self) -> Result<()> {
        let memory = &self.memory;
        let kept = [
            (!memory.former.is_empty(), "internal.config.kubernetes.io/previousKinds"),
            (!memory.former.is_empty(), "internal.config.kubernetes.io/previousNamespaces"),
            (!memory.prefixes.is_empty(), "internal.config.kubernetes.io/prefixes"),
            (!memory.suffixes.is_empty(), "internal.config.kubernetes.io/suffixes"),
        ];
        let Some(node) = self.node.as_mut() else { return Ok(()) };
        for (_, name) in kept.into_iter().filter(|(is_kept, _)| *is_kept) {
            let annotations = nodes::mapping_field(nodes::mapping_field(node, "metadata")?, "annotations")?;
            nodes::set_field(annotations, name, Node::string("x"))?;
        }
        Ok(())
    }

    /// Takes the mark away; where the patch has done so already, the memory is lost as well.
    pub(crate) fn unseal(&mut self) {
        let Some(node) = self.node.as_mut() else { return };
        let kept = nodes::get_mut(node, "metadata")
            .and_then(|metadata| {
                let annotations = nodes::get_mut(metadata, "annotations")?;
                nodes::clear(annotations, SEAL)?;
                // An annotations field that only held the mark stays: build annotations are gone from it at the end.
                Some(())
            })
            .is_some();
        if !kept {
            self.memory = Memory::default();
        }
    }

    /// Calls `f` on the tree.
    pub(crate) fn with_tree<T>(&mut self, f: impl FnOnce(&mut Node) -> Result<T>) -> Result<Option<T>> {
        self.node.as_mut().map(f).transpose()
    }

    /// What every object goes through at the end: its own annotations out, the others strings.
    pub(crate) fn finish(&mut self, keep_origin: bool, keep_transformations: bool) -> Result<()> {
        if self.node.is_none() {
            return Ok(());
        }
        let mut annotations = self.annotations();
        let had = !annotations.is_empty() || self.has_memory();
        for name in BUILD_ANNOTATIONS {
            annotations.remove(name);
        }
        if !keep_origin {
            annotations.remove(ORIGIN);
        }
        if !keep_transformations {
            annotations.remove(TRANSFORMATIONS);
        }
        if had || !keep_origin || !keep_transformations {
            self.set_annotations(&annotations)?;
        }
        Ok(())
    }

    /// Takes labels, annotations, name and namespace over from the object that this one replaces or merges into.
    pub(crate) fn take_metadata_from(&mut self, old: &Resource) -> Result<()> {
        let mut labels = old.labels();
        labels.extend(self.labels());
        self.set_labels(&labels)?;
        let mut annotations = old.annotations();
        annotations.extend(self.annotations());
        self.set_annotations(&annotations)?;
        self.set_name(&old.name())?;
        self.set_namespace(&old.namespace())?;
        let needs_hash = self.memory.needs_hash && old.memory.needs_hash;
        self.memory = Memory { needs_hash, ..old.memory.clone() };
        self.var_names.clone_from(&old.var_names);
        Ok(())
    }

    /// The strings under a field such as `data`.
    pub(crate) fn strings(&self, field: &str) -> BTreeMap<SmolStr, SmolStr> {
        match nodes::get(self.tree(), field).map(|node| &node.kind) {
            Some(Kind::Mapping(entries)) => entries
                .iter()
                .map(|(key, value)| (SmolStr::from(nodes::value(key)), SmolStr::from(nodes::value(value))))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

/// What a tree is called.
pub(crate) fn id_of(node: &Node, schemas: &Schemas) -> ResId {
    let text = |path: &[&str]| nodes::at(node, path).map(nodes::smol).unwrap_or_default();
    let api_version = text(&["apiVersion"]);
    let gvk = Gvk::new(&api_version, &text(&["kind"]));
    let cluster = schemas.is_cluster_scoped(&api_version, &gvk.kind);
    ResId { gvk, name: text(&["metadata", "name"]), namespace: text(&["metadata", "namespace"]), cluster }
}

/// What `{}` prints for an object's metadata in messages about missing parts.
pub(crate) fn show_meta(node: &Node) -> String {
    let text = |path: &[&str]| nodes::at(node, path).map_or("", nodes::value).to_owned();
    let map = |field: &str| {
        let map =
            nodes::string_map(nodes::at(node, &["metadata", field]).filter(|node| node.tag != Tag::Null));
        let items: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("map[{}]", items.join(" "))
    };
    format!(
        "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
        text(&["apiVersion"]),
        text(&["kind"]),
        text(&["metadata", "name"]),
        text(&["metadata", "namespace"]),
        map("labels"),
        map("annotations")
    )
}
