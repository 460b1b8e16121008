//! Name references: fields that hold another object's name follow when that name changes.
//!
//! Candidates are found by former name and kind, so the cost is the number of references, not of pairs of objects.

use std::collections::HashMap;

use sluice_yaml::{Kind, Node, Tag};
use smol_str::SmolStr;

use crate::config::{Config, NameRule, NameRules};
use crate::error::{Error, Result, fail};
use crate::field_spec::Create;
use crate::ids::{Gvk, ResId};
use crate::nodes;
use crate::resmap::ResMap;
use crate::resource::{Memory, Resource};
use crate::schema::Schemas;
use crate::share::Shares;
use crate::text;

/// What is known about the objects that may be referred to.
pub(crate) struct Candidates {
    ids: Vec<ResId>,
    first_namespaces: Vec<SmolStr>,
    by_first_namespace: HashMap<SmolStr, Vec<usize>>,
    /// By former name and former kind.
    by_name_and_kind: HashMap<(SmolStr, SmolStr), Vec<usize>>,
    by_name: HashMap<SmolStr, Vec<usize>>,
    service_accounts: Vec<bool>,
}

/// Who refers.
struct Referrer<'a> {
    at: usize,
    id: &'a ResId,
    /// Namespaces of the service accounts that a role binding names.
    binding_namespaces: Vec<SmolStr>,
    role: Option<Gvk>,
}

/// The objects as a referrer sees them.
pub(crate) enum Others<'a> {
    Map(&'a ResMap),
    /// Of an earlier build, without their trees.
    Remembered(&'a [Memory]),
}

impl Others<'_> {
    fn memory(&self, at: usize) -> &Memory {
        match self {
            Others::Map(map) => &map.list()[at].memory,
            Others::Remembered(memories) => &memories[at],
        }
    }

    fn shown(&self, at: usize) -> String {
        let node = match self {
            Others::Map(map) => map.list()[at].node.clone(),
            Others::Remembered(_) => None,
        };
        node.and_then(|node| text::to_yaml(node).ok()).unwrap_or_default()
    }
}

/// Carries changed names to the fields that hold them. What was found out about the objects is given back, unless no
/// name has changed.
pub(crate) fn fix(map: &mut ResMap, config: &Config, schemas: &Schemas) -> Result<Option<Candidates>> {
    if !map.list().iter().any(|resource| !resource.memory.former.is_empty()) {
        return Ok(None);
    }
    let rules = config.name_rules();
    let candidates = collect(map, schemas);
    for at in 0..map.len() {
        let resource = &map.list()[at];
        let Some(seen) = Seen::of(resource, at, &rules, &candidates, schemas)? else { continue };
        // The tree is taken out, so that the others can be looked at while it changes.
        let resource = map.get_keeping_name(at);
        let shares = Shares::note(resource.tree(), resource.next_share);
        let Some(mut tree) = resource.node.take() else { continue };
        seen.follow(&Others::Map(map), &candidates, &mut tree)?;
        if let Some(shares) = shares {
            shares.settle(&mut tree);
        }
        map.get_keeping_name(at).node = Some(tree);
    }
    Ok(Some(candidates))
}

/// As `fix`, for one object that stood at this place in an earlier build, with the same names.
pub(crate) fn fix_again(
    resource: &mut Resource,
    at: usize,
    rules: &NameRules,
    candidates: &Candidates,
    memories: &[Memory],
    schemas: &Schemas,
) -> Result<()> {
    let Some(seen) = Seen::of(resource, at, rules, candidates, schemas)? else { return Ok(()) };
    let shares = Shares::note(resource.tree(), resource.next_share);
    let Some(tree) = resource.node.as_mut() else { return Ok(()) };
    seen.follow(&Others::Remembered(memories), candidates, tree)?;
    if let Some(shares) = shares {
        shares.settle(tree);
    }
    Ok(())
}

/// A referrer and the rules that are for it.
struct Seen<'a> {
    referrer: Referrer<'a>,
    rules: Vec<&'a NameRule>,
}

impl<'a> Seen<'a> {
    /// Nothing for objects that refer to none.
    fn of(
        resource: &Resource,
        at: usize,
        rules: &'a NameRules,
        candidates: &'a Candidates,
        schemas: &Schemas,
    ) -> Result<Option<Self>> {
        if resource.node.is_none() {
            return Ok(None);
        }
        let first = resource.first_id(schemas);
        let rules: Vec<&NameRule> =
            rules.of(&first.gvk.kind).filter(|rule| first.gvk.is_selected(&rule.field.gvk)).collect();
        if rules.is_empty() {
            return Ok(None);
        }
        let id = &candidates.ids[at];
        let binding_namespaces = binding_namespaces(resource, id)?;
        let role = role(resource.tree());
        Ok(Some(Seen { referrer: Referrer { at, id, binding_namespaces, role }, rules }))
    }

    fn follow(&self, others: &Others<'_>, candidates: &Candidates, tree: &mut Node) -> Result<()> {
        for rule in &self.rules {
            apply(others, candidates, &self.referrer, rule, tree)?;
        }
        Ok(())
    }
}

fn collect(map: &ResMap, schemas: &Schemas) -> Candidates {
    let mut candidates = Candidates {
        ids: Vec::with_capacity(map.len()),
        first_namespaces: Vec::with_capacity(map.len()),
        by_first_namespace: HashMap::new(),
        by_name_and_kind: HashMap::new(),
        by_name: HashMap::new(),
        service_accounts: Vec::with_capacity(map.len()),
    };
    for (at, resource) in map.list().iter().enumerate() {
        let first_namespace: SmolStr = resource.first_id(schemas).effective_namespace().into();
        candidates.by_first_namespace.entry(first_namespace.clone()).or_default().push(at);
        candidates.first_namespaces.push(first_namespace);
        candidates.ids.push(resource.id(schemas));
        candidates.service_accounts.push(resource.kind() == "ServiceAccount");
        for name in resource.memory.former.iter().map(|former| former.name.clone()) {
            let places = candidates.by_name.entry(name.clone()).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
            // A name matches with any kind that the object has had.
            for kind in resource.memory.former.iter().map(|former| former.kind.clone()) {
                let places = candidates.by_name_and_kind.entry((name.clone(), kind)).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
    }
    candidates
}

/// The kind that a binding's role reference names.
fn role(tree: &Node) -> Option<Gvk> {
    let reference = nodes::get(tree, "roleRef")?;
    let group = nodes::get(reference, "apiGroup")?;
    let kind = nodes::get(reference, "kind")?;
    Some(Gvk { group: nodes::smol(group), version: SmolStr::default(), kind: nodes::smol(kind) })
}

fn binding_namespaces(resource: &Resource, id: &ResId) -> Result<Vec<SmolStr>> {
    if resource.kind() != "RoleBinding" || id.cluster {
        return Ok(Vec::new());
    }
    let Some(subjects) = nodes::get(resource.tree(), "subjects") else { return Ok(Vec::new()) };
    let mut namespaces = Vec::new();
    for subject in nodes::items(subjects) {
        let Some(namespace) = nodes::get(subject, "namespace") else { continue };
        if nodes::get(subject, "kind").map(nodes::text) != Some("ServiceAccount") {
            continue;
        }
        if !matches!(namespace.kind, Kind::Scalar(_)) || namespace.tag == Tag::Null {
            fail!("Invalid Input: namespace is blank for resource {}\n", text::quote(&id.to_string()));
        }
        namespaces.push(nodes::smol(namespace));
    }
    Ok(namespaces)
}

fn apply(
    others: &Others<'_>,
    candidates: &Candidates,
    referrer: &Referrer<'_>,
    rule: &NameRule,
    tree: &mut Node,
) -> Result<()> {
    // kustomize asks for the kind that the referrer has now; the rule was chosen by the one it had at first.
    let result = rule.field.apply_to_any(referrer.id, tree, Create::Never, &mut |place| {
        if place.tag == Tag::Null {
            return Ok(());
        }
        let finder = Finder { others, candidates, referrer, rule };
        match &mut place.kind {
            Kind::Scalar(_) => finder.set_scalar(place),
            Kind::Mapping(_) => finder.set_mapping(place),
            Kind::Sequence(items) => {
                for item in items {
                    if item.tag == Tag::Null {
                        continue;
                    }
                    match item.kind {
                        Kind::Scalar(_) => finder.set_scalar(item)?,
                        Kind::Mapping(_) => finder.set_mapping(item)?,
                        _ => fail!("item is expected to be either a string or a map of string"),
                    }
                }
                Ok(())
            }
            Kind::Alias(_) => fail!("node must be a scalar, sequence or map"),
        }
    });
    result.map_err(|error| {
        let error = if error.text().contains(REFERRER) {
            // The message shows the referrer whole; its tree is ours at present.
            let shown = text::to_yaml(tree.clone()).unwrap_or_default();
            error.told(|told| told.replacen(REFERRER, &shown, 1))
        } else {
            error
        };
        error.within(format_args!(
            "updating name reference in '{}' field of '{}'",
            rule.field.path, referrer.id
        ))
    })
}

const REFERRER: &str = "\u{0}referrer\u{0}";

struct Finder<'a> {
    others: &'a Others<'a>,
    candidates: &'a Candidates,
    referrer: &'a Referrer<'a>,
    rule: &'a NameRule,
}

impl Finder<'_> {
    fn name(&self, at: usize) -> SmolStr {
        self.candidates.ids[at].name.clone()
    }

    fn set_scalar(&self, place: &mut Node) -> Result<()> {
        let Some(found) = self.find(nodes::text(place), |_| true, false)? else { return Ok(()) };
        let name = self.name(found);
        if name == nodes::text(place) {
            return Ok(());
        }
        nodes::set_scalar(place, nodes::untagged(name))
    }

    fn set_mapping(&self, place: &mut Node) -> Result<()> {
        let Some(name_node) = nodes::get(place, "name") else {
            return Err(Error::new("path config error; no 'name' field in node"));
        };
        let old = nodes::smol(name_node);
        let ids = &self.candidates.ids;
        let found = match nodes::get(place, "namespace").map(nodes::smol) {
            None => self.find(&old, |_| true, true)?,
            Some(namespace) => {
                let first = &self.candidates.first_namespaces;
                let by_first = |at: usize| first[at] == namespace && first[at] != crate::ids::NO_NAMESPACE;
                let from_there = self.candidates.by_first_namespace.get(&namespace);
                // Where no object at all came from that namespace, the present ones count.
                if from_there
                    .is_some_and(|places| places.iter().any(|&at| self.is_in_reach(at) && by_first(at)))
                {
                    self.find(&old, by_first, true)?
                } else {
                    self.find(
                        &old,
                        |at| !ids[at].cluster && ids[at].effective_namespace() == namespace,
                        true,
                    )?
                }
            }
        };
        let Some(found) = found else { return Ok(()) };
        let (name, namespace) = (self.name(found), ids[found].namespace.clone());
        if name == old && namespace.is_empty() {
            return Ok(());
        }
        nodes::set_field(place, "name", nodes::untagged(name))?;
        if namespace.is_empty() {
            return Ok(());
        }
        nodes::set_field(place, "namespace", nodes::untagged(namespace))
    }

    /// True for what the referrer may refer to at all.
    fn is_in_reach(&self, at: usize) -> bool {
        let id = &self.candidates.ids[at];
        let ours = self.referrer.id;
        ours.cluster
            || id.cluster
            || id.effective_namespace() == ours.effective_namespace()
            || self.referrer.binding_namespaces.contains(&id.namespace)
    }

    /// The one object that a name means, by kustomize's sieves.
    fn find(&self, old: &str, from: impl Fn(usize) -> bool, and_namespace: bool) -> Result<Option<usize>> {
        let target = &self.rule.target;
        let places = if target.kind.is_empty() {
            self.candidates.by_name.get(old)
        } else {
            self.candidates.by_name_and_kind.get(&(SmolStr::from(old), target.kind.clone()))
        };
        let Some(places) = places else { return Ok(None) };
        let role = self.referrer.role.as_ref().filter(|_| self.rule.field.path.ends_with("roleRef/name"));
        let ids = &self.candidates.ids;
        let memory = |at: usize| self.others.memory(at);
        let was = |at: usize, selector: &Gvk| {
            let current = &ids[at].gvk;
            memory(at).former.iter().any(|former| {
                let gvk = Gvk { kind: former.kind.clone(), ..current.clone() };
                gvk.is_selected(selector)
            })
        };
        let mut fitting: Vec<usize> = places
            .iter()
            .copied()
            .filter(|&at| self.is_in_reach(at) && from(at))
            .filter(|&at| was(at, target) && role.is_none_or(|role| was(at, role)))
            .filter(|&at| {
                self.referrer.id.cluster
                    || ids[at].cluster
                    || self.candidates.service_accounts[at]
                    || ids[at].effective_namespace() == self.referrer.id.effective_namespace()
            })
            .collect();
        if fitting.len() == 1 {
            return Ok(Some(fitting[0]));
        }
        let ours = memory(self.referrer.at);
        fitting.retain(|&at| same_affixes(memory(at), ours, true));
        if fitting.len() > 1 {
            fitting.retain(|&at| same_affixes(memory(at), ours, false));
        }
        match fitting[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [first, ..] => {
                let same = fitting.iter().all(|&at| {
                    ids[at].name == ids[first].name
                        && (!and_namespace || ids[at].namespace == ids[first].namespace)
                });
                if same { Ok(Some(first)) } else { Err(self.ambiguous(&fitting)) }
            }
        }
    }

    fn ambiguous(&self, fitting: &[usize]) -> Error {
        let ids: Vec<String> = fitting.iter().map(|&at| self.candidates.ids[at].to_string()).collect();
        let mut told = format!(
            "found multiple possible referrals: {}\n\n**** Too many possible referral targets to referrer:\n{REFERRER}\n",
            ids.join(", ")
        );
        for (number, &at) in fitting.iter().enumerate() {
            let shown = self.others.shown(at);
            told.push_str(&format!("--- possible referral {number}:\n{shown}\n"));
        }
        Error::new(told)
    }
}

fn same_affixes(a: &Memory, b: &Memory, empty_fits: bool) -> bool {
    let same =
        |a: &[SmolStr], b: &[SmolStr]| (empty_fits && (a.is_empty() || b.is_empty())) || same_end(a, b);
    same(&a.prefixes, &b.prefixes) && same(&a.suffixes, &b.suffixes)
}

/// True when the shorter list is the end of the longer one; an empty one only fits an empty one.
fn same_end(a: &[SmolStr], b: &[SmolStr]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
