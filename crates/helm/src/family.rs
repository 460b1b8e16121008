//! A chart and the charts within as one run changes them: aliases, conditions, tags, imported values.
//!
//! Helm changes its charts in place and copies some of them shallowly, and its output shows which. So members live in one
//! list, know their parent by place, and share metadata exactly where Helm does. A family belongs to one run.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sluice_version::{Constraint, Version};

use crate::chart::{Chart, Crd, Dependency, File, Metadata, own_crds};
use crate::values::coalesce::{
    Layer, TypeMismatch, Warnings, coalesce_tables, coalesce_values, drop_nulls, merge_tables, merge_values,
    show_value,
};
use crate::values::graph::{Node, Table, deep_copy, from_map, new_table, plain_at, put, table_at};

/// The place of a chart in its family.
pub type MemberId = usize;

struct Member<'a> {
    chart: &'a Chart,
    metadata: Rc<RefCell<Metadata>>,
    /// Replaced by what is imported, and never changed: coalescing makes copies that lean on it.
    values: Option<Table>,
    parent: Option<MemberId>,
    within: Vec<MemberId>,
}

impl Clone for Member<'_> {
    fn clone(&self) -> Self {
        Self {
            chart: self.chart,
            metadata: self.metadata.clone(),
            values: self.values.clone(),
            parent: self.parent,
            within: self.within.clone(),
        }
    }
}

/// Why dependencies could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    #[error("{0}")]
    TypeMismatch(#[from] TypeMismatch),
    #[error("dependencies and aliases make more than {0} charts")]
    TooMany(usize),
}

const MAX_MEMBERS: usize = 20_000;

/// A chart with all charts within.
pub struct Family<'a> {
    members: Vec<Member<'a>>,
    pub warnings: Warnings,
}

/// A member as values see it.
struct View<'f, 'a> {
    family: &'f Family<'a>,
    id: MemberId,
}

impl Layer for View<'_, '_> {
    fn name(&self) -> String {
        self.family.name(self.id)
    }

    fn values(&self) -> Option<Table> {
        self.family.members[self.id].values.clone()
    }

    fn layers(&self) -> Vec<Self> {
        self.family.within(self.id).iter().map(|id| View { family: self.family, id: *id }).collect()
    }
}

impl<'a> Family<'a> {
    /// The place of the chart itself.
    pub const ROOT: MemberId = 0;

    pub fn new(chart: &'a Chart) -> Self {
        let mut family = Self { members: Vec::new(), warnings: Vec::new() };
        family.add(chart, None);
        family
    }

    fn add(&mut self, chart: &'a Chart, parent: Option<MemberId>) -> MemberId {
        let id = self.members.len();
        let values = chart.values.as_ref().and_then(Value::as_object).map(from_map);
        let metadata = Rc::new(RefCell::new(chart.metadata.clone()));
        self.members.push(Member { chart, metadata, values, parent, within: Vec::new() });
        let within = chart.dependencies.iter().map(|inner| self.add(inner, Some(id))).collect();
        self.members[id].within = within;
        id
    }

    pub fn chart(&self, id: MemberId) -> &'a Chart {
        self.members[id].chart
    }

    pub fn name(&self, id: MemberId) -> String {
        self.members[id].metadata.borrow().name.clone()
    }

    pub fn metadata(&self, id: MemberId) -> Metadata {
        self.members[id].metadata.borrow().clone()
    }

    /// The chart's own values, imported ones included.
    pub fn values(&self, id: MemberId) -> Option<Table> {
        self.members[id].values.clone()
    }

    pub fn within(&self, id: MemberId) -> &[MemberId] {
        &self.members[id].within
    }

    pub fn is_root(&self, id: MemberId) -> bool {
        self.members[id].parent.is_none()
    }

    /// `app/charts/sub`.
    pub fn full_path(&self, id: MemberId) -> String {
        match self.members[id].parent {
            None => self.name(id),
            Some(parent) => format!("{}/charts/{}", self.full_path(parent), self.name(id)),
        }
    }

    pub fn is_library(&self, id: MemberId) -> bool {
        self.members[id].metadata.borrow().kind.eq_ignore_ascii_case("library")
    }

    pub fn templates(&self, id: MemberId) -> &'a [File] {
        &self.members[id].chart.templates
    }

    pub fn files(&self, id: MemberId) -> &'a [File] {
        &self.members[id].chart.files
    }

    pub fn schema(&self, id: MemberId) -> Option<&'a Bytes> {
        self.members[id].chart.schema.as_ref()
    }

    /// The definitions in `crds/` of the charts that are left.
    pub fn crds(&self) -> Vec<Crd> {
        let mut found = Vec::new();
        self.collect_crds(Self::ROOT, &mut found);
        found
    }

    fn collect_crds(&self, id: MemberId, found: &mut Vec<Crd>) {
        found.extend(own_crds(self.files(id), &self.full_path(id)));
        for inner in self.within(id) {
            self.collect_crds(*inner, found);
        }
    }

    /// The user's values over those of all charts.
    pub fn coalesce(&mut self, values: &Table) -> Result<Table, TypeMismatch> {
        self.coalesce_from(Self::ROOT, values)
    }

    fn coalesce_from(&mut self, id: MemberId, values: &Table) -> Result<Table, TypeMismatch> {
        let mut warnings = Vec::new();
        let result = coalesce_values(&View { family: self, id }, values, &mut warnings);
        self.warnings.append(&mut warnings);
        result
    }

    /// Keeps the dependencies that conditions and tags allow, renames aliases, imports values.
    pub fn process_dependencies(&mut self, values: &Table) -> Result<(), FamilyError> {
        self.enable(Self::ROOT, values, "")?;
        self.import(Self::ROOT)
    }

    fn set_within(&mut self, id: MemberId, within: Vec<MemberId>) {
        for inner in &within {
            self.members[*inner].parent = Some(id);
        }
        self.members[id].within = within;
    }

    fn copy(&mut self, id: MemberId) -> Result<MemberId, FamilyError> {
        if self.members.len() >= MAX_MEMBERS {
            return Err(FamilyError::TooMany(MAX_MEMBERS));
        }
        let copy = self.members[id].clone();
        self.members.push(copy);
        Ok(self.members.len() - 1)
    }

    /// The chart within that a dependency means, copied and named by its alias.
    fn aliased(
        &mut self,
        within: &[MemberId],
        dependency: &Dependency,
    ) -> Result<Option<MemberId>, FamilyError> {
        let wanted = within.iter().copied().find(|id| {
            let metadata = self.members[*id].metadata.borrow();
            metadata.name == dependency.name && is_compatible(&dependency.version, &metadata.version)
        });
        let Some(found) = wanted else { return Ok(None) };
        let copy = self.copy(found)?;
        let metadata = self.members[found].metadata.borrow().clone();
        self.members[copy].metadata = Rc::new(RefCell::new(metadata));
        let inner = self.members[found].within.clone();
        let inner = inner.into_iter().map(|id| self.copy(id)).collect::<Result<_, _>>()?;
        self.set_within(copy, inner);
        if !dependency.alias.is_empty() {
            self.members[copy].metadata.borrow_mut().name.clone_from(&dependency.alias);
        }
        Ok(Some(copy))
    }

    fn enable(&mut self, id: MemberId, values: &Table, path: &str) -> Result<(), FamilyError> {
        let metadata = self.members[id].metadata.clone();
        let Some(declared) = metadata.borrow().dependencies.clone() else { return Ok(()) };
        let declared: Vec<Dependency> = declared.into_iter().flatten().collect();
        let present = self.members[id].within.clone();
        let mut kept: Vec<MemberId> = present
            .iter()
            .copied()
            .filter(|inner| {
                let inner = self.members[*inner].metadata.borrow();
                !declared
                    .iter()
                    .any(|wanted| inner.name == wanted.name && is_compatible(&wanted.version, &inner.version))
            })
            .collect();
        let mut renamed = Vec::with_capacity(declared.len());
        for mut dependency in declared {
            kept.extend(self.aliased(&present, &dependency)?);
            if !dependency.alias.is_empty() {
                dependency.name.clone_from(&dependency.alias);
            }
            dependency.enabled = true;
            renamed.push(dependency);
        }
        self.set_within(id, kept.clone());
        metadata.borrow_mut().dependencies = Some(renamed.iter().cloned().map(Some).collect());
        let values = self.coalesce_from(id, values)?;
        self.apply_tags(&mut renamed, &values);
        self.apply_conditions(&mut renamed, &values, path);
        let removed: Vec<String> =
            renamed.iter().filter(|dependency| !dependency.enabled).map(|one| one.name.clone()).collect();
        metadata.borrow_mut().dependencies = Some(renamed.iter().cloned().map(Some).collect());
        kept.retain(|inner| !removed.contains(&self.members[*inner].metadata.borrow().name));
        renamed.retain(|dependency| !removed.contains(&dependency.name));
        for inner in &kept {
            let name = self.name(*inner);
            self.enable(*inner, &values, &format!("{path}{name}."))?;
        }
        metadata.borrow_mut().dependencies =
            (!renamed.is_empty()).then(|| renamed.into_iter().map(Some).collect());
        self.set_within(id, kept);
        Ok(())
    }

    fn apply_tags(&mut self, dependencies: &mut [Dependency], values: &Table) {
        let Some(tags) = table_at(values, "tags") else { return };
        for dependency in dependencies {
            let (mut has_true, mut has_false) = (false, false);
            for tag in dependency.tags.iter().flatten() {
                match tags.borrow().get(tag.as_str()) {
                    Some(Node::Bool(true)) => has_true = true,
                    Some(Node::Bool(false)) => has_false = true,
                    Some(_) => {
                        self.warnings
                            .push(format!("returned non-bool value tag={tag} chart={}", dependency.name));
                    }
                    None => {}
                }
            }
            dependency.enabled = has_true || !has_false;
        }
    }

    fn apply_conditions(&mut self, dependencies: &mut [Dependency], values: &Table, path: &str) {
        for dependency in dependencies {
            for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty())
            {
                match plain_at(values, &format!("{path}{condition}")) {
                    Some(Node::Bool(flag)) => {
                        dependency.enabled = flag;
                        break;
                    }
                    Some(_) => {
                        let name = &dependency.name;
                        self.warnings.push(format!("returned non-bool value path={condition} chart={name}"));
                    }
                    None => {}
                }
            }
        }
    }

    fn import(&mut self, id: MemberId) -> Result<(), FamilyError> {
        for inner in self.members[id].within.clone() {
            self.import(inner)?;
        }
        let metadata = self.members[id].metadata.clone();
        let Some(mut declared) = metadata.borrow().dependencies.clone() else { return Ok(()) };
        let mut warnings = Vec::new();
        let values = merge_values(&View { family: self, id }, &new_table(), &mut warnings);
        self.warnings.append(&mut warnings);
        let values = values?;
        let imported = new_table();
        for dependency in declared.iter_mut().flatten() {
            let mut normal = Vec::new();
            for entry in dependency.import_values.iter().flatten() {
                let (child, parent) = match entry {
                    Value::Object(map) => (show_entry(map, "child"), show_entry(map, "parent")),
                    Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                    _ => continue,
                };
                let found = table_at(&values, &format!("{}.{child}", dependency.name));
                normal.push(json!({"child": child, "parent": parent}));
                let Some(found) = found else {
                    let text = format!(
                        "ImportValues missing table error={:?}",
                        missing_table(&values, &dependency.name, &child)
                    );
                    self.warnings.push(text);
                    continue;
                };
                let placed = if parent == "." { found } else { below(&parent, found) };
                merge_tables(&imported, &placed, &mut self.warnings);
            }
            dependency.import_values = (!normal.is_empty()).then_some(normal);
        }
        metadata.borrow_mut().dependencies = Some(declared);
        let is_empty = imported.borrow().is_empty();
        let own = if is_empty { values } else { deep_copy(&values) };
        if !is_empty {
            merge_tables(&own, &imported, &mut self.warnings);
        }
        self.members[id].values = Some(own);
        Ok(())
    }
}

fn show_entry(map: &Map<String, Value>, key: &str) -> String {
    show_value(map.get(key).unwrap_or(&Value::Null))
}

/// Helm's word for the first part of a path that leads to no table.
fn missing_table(values: &Table, chart: &str, path: &str) -> String {
    let full = format!("{chart}.{path}");
    let missing = full.match_indices('.').map(|(at, _)| at).chain([full.len()]);
    let end = missing.into_iter().find(|end| table_at(values, &full[..*end]).is_none()).unwrap_or(full.len());
    format!("{:?} is not a table", full[..end].rsplit('.').next().unwrap_or(&full))
}

/// A map with `table` at a dotted path.
fn below(path: &str, table: Table) -> Table {
    path.split('.').rev().fold(table, |inner, part| {
        let outer = new_table();
        put(&outer, part, Node::Table(inner));
        outer
    })
}

/// Whether a version is in a range; false when one of them cannot be read.
pub fn is_compatible(range: &str, version: &str) -> bool {
    match (Version::parse(version), Constraint::parse(range)) {
        (Ok(version), Ok(range)) => range.check(&version),
        _ => false,
    }
}

/// Values for a lint run and for `get values --all`, where no dependency is processed.
pub fn coalesce_plain(chart: &Chart, values: &Table) -> Result<Table, TypeMismatch> {
    Family::new(chart).coalesce(values)
}

/// `source` under a copy of `target`, nulls of `target` deleting; used where values are checked without a chart.
pub fn coalesce_two(target: &Table, source: &Table) -> Table {
    let copy = deep_copy(target);
    coalesce_tables(&copy, source, &mut Vec::new());
    copy
}

/// The values without nulls.
pub fn without_nulls(table: &Table) -> Table {
    let copy = deep_copy(table);
    drop_nulls(&copy);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::graph::to_map;

    fn chart(name: &str, values: Value, dependencies: Value, within: Vec<Chart>) -> Chart {
        let mut metadata = Metadata::default();
        metadata
            .read_over(
                &json!({"apiVersion": "v2", "name": name, "version": "1.0.0", "dependencies": dependencies}),
            )
            .unwrap();
        Chart { metadata, values: Some(values), dependencies: within, ..Chart::default() }
    }

    fn render_values(chart: &Chart, given: Value) -> (Value, Vec<String>) {
        let mut family = Family::new(chart);
        let given = from_map(given.as_object().unwrap());
        family.process_dependencies(&given).unwrap();
        let values = family.coalesce(&given).unwrap();
        let paths = (0..family.members.len())
            .filter(|id| *id == Family::ROOT || family.within(Family::ROOT).contains(id))
            .map(|id| family.full_path(id))
            .collect();
        (Value::Object(to_map(&values)), paths)
    }

    #[test]
    fn nulls_delete_and_globals_go_down() {
        let sub = chart(
            "sub",
            json!({"a": 1.0, "b": {"c": 1.0, "d": 2.0}, "global": {"x": "sub"}}),
            json!(null),
            vec![],
        );
        let app = chart(
            "app",
            json!({"own": {"k": 1.0, "gone": null}, "global": {"y": "app"}}),
            json!(null),
            vec![sub],
        );
        let (values, _) = render_values(
            &app,
            json!({"own": {"k": null, "mine": null}, "sub": {"a": null, "b": {"c": null}}}),
        );
        assert_eq!(
            values,
            json!({
                "own": {"mine": null},
                "global": {"y": "app"},
                "sub": {"b": {"d": 2.0}, "global": {"x": "sub", "y": "app"}},
            })
        );
    }

    #[test]
    fn aliases_conditions_and_tags_decide() {
        let sub = || chart("sub", json!({"a": 1.0}), json!(null), vec![]);
        let app = chart(
            "app",
            json!({"two": {"enabled": false}, "tags": {"front": false}}),
            json!([
                {"name": "sub", "version": "1.x", "repository": "", "alias": "one"},
                {"name": "sub", "version": "1.x", "repository": "", "alias": "two", "condition": "two.enabled"},
                {"name": "sub", "version": "1.x", "repository": "", "alias": "three", "tags": ["front"]},
                {"name": "sub", "version": "2.x", "repository": "", "alias": "four"},
            ]),
            vec![sub()],
        );
        assert_eq!(render_values(&app, json!({})).1, ["app", "app/charts/one"]);
        let (_, paths) = render_values(&app, json!({"two": {"enabled": true}, "tags": {"front": true}}));
        assert_eq!(paths, ["app", "app/charts/one", "app/charts/two", "app/charts/three"]);
    }

    #[test]
    fn values_are_imported() {
        let sub = chart(
            "sub",
            json!({"exports": {"data": {"port": 1.0}}, "inner": {"x": 1.0}}),
            json!(null),
            vec![],
        );
        let app = chart(
            "app",
            json!({"port": 2.0}),
            json!([{"name": "sub", "version": "1.x", "repository": "", "import-values": ["data", {"child": "inner", "parent": "deep.er"}, {"child": "nope", "parent": "x"}]}]),
            vec![sub],
        );
        let (values, _) = render_values(&app, json!({}));
        assert_eq!(values["port"], json!(2.0));
        assert_eq!(values["deep"], json!({"er": {"x": 1.0}}));
    }

    #[test]
    fn a_value_where_a_map_is_needed_is_refused() {
        let app = chart("app", json!({}), json!(null), vec![chart("sub", json!({}), json!(null), vec![])]);
        let given = from_map(json!({"sub": "x"}).as_object().unwrap());
        assert_eq!(
            Family::new(&app).coalesce(&given).unwrap_err().to_string(),
            "type mismatch on sub: %!t(string=x)"
        );
    }
}
