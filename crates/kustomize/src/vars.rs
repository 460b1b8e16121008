//! Vars: `$(NAME)` in known fields becomes what a field of some object holds.

use std::collections::{BTreeMap, BTreeSet};

use sluice_yaml::{Kind, Node, Style, Tag};

use crate::error::{Error, Result, fail};
use crate::field_spec::{Create, FieldSpec};
use crate::file::Var;
use crate::ids::{Gvk, ResId};
use crate::nodes;
use crate::path;
use crate::resmap::ResMap;
use crate::schema::Schemas;
use crate::share::Shares;

/// The vars of one accumulation, by name.
#[derive(Debug, Default)]
pub(crate) struct Vars {
    known: BTreeMap<String, Var>,
}

/// The kind that a var refers to; `apiVersion` wins over group and version.
fn gvk(var: &Var) -> Gvk {
    let target = &var.objref;
    let mut gvk = Gvk {
        group: target.group.as_str().into(),
        version: target.version.as_str().into(),
        kind: target.kind.as_str().into(),
    };
    match target.api_version.split('/').collect::<Vec<_>>()[..] {
        [""] => {}
        [version] => gvk.version = version.into(),
        [group, version] => (gvk.group, gvk.version) = (group.into(), version.into()),
        _ => {}
    }
    gvk
}

/// As Go prints it: a target prints as its kind alone.
fn show(var: &Var) -> String {
    format!("{{{} {} {{{}}}}}", var.name, gvk(var), var.fieldref.field_path)
}

/// A kustomization's vars as Go prints the list, which knows nothing of `apiVersion`.
pub(crate) fn show_all(vars: &[Var]) -> String {
    let shown: Vec<String> = vars
        .iter()
        .map(|var| {
            let target = &var.objref;
            let gvk = Gvk {
                group: target.group.as_str().into(),
                version: target.version.as_str().into(),
                kind: target.kind.as_str().into(),
            };
            format!("{{{} {gvk} {{{}}}}}", var.name, var.fieldref.field_path)
        })
        .collect();
    format!("[{}]", shown.join(" "))
}

impl Vars {
    fn add(&mut self, var: &Var) -> Result<()> {
        if self.known.contains_key(&var.name) {
            fail!("var '{}' already encountered", var.name);
        }
        let mut var = var.clone();
        if var.fieldref.field_path.is_empty() {
            "metadata.name".clone_into(&mut var.fieldref.field_path);
        }
        self.known.insert(var.name.clone(), var);
        Ok(())
    }

    pub(crate) fn add_all(&mut self, other: &Vars) -> Result<()> {
        other.known.values().try_for_each(|var| self.add(var))
    }

    /// Takes a kustomization's vars in and marks the objects that they read from.
    pub(crate) fn bind(&mut self, map: &mut ResMap, vars: &[Var], schemas: &Schemas) -> Result<()> {
        for var in vars {
            let wanted = ResId {
                gvk: gvk(var),
                name: var.objref.name.as_str().into(),
                namespace: var.objref.namespace.as_str().into(),
                cluster: false,
            };
            let exact = !wanted.namespace.is_empty();
            let found: Vec<usize> = (0..map.len())
                .filter(|&at| {
                    let resource = &map.list()[at];
                    !resource.is_empty()
                        && resource
                            .former_ids()
                            .chain([resource.id(schemas)])
                            .any(|id| if exact { wanted.same(&id) } else { wanted.same_name(&id) })
                })
                .collect();
            if found.len() > 1 {
                fail!("found {} resId matches for var {} (unable to disambiguate)", found.len(), show(var));
            }
            if let [at] = found[..] {
                map.get_keeping_name(at).var_names.push(var.name.clone());
            }
        }
        vars.iter().try_for_each(|var| self.add(var))
    }

    /// Replaces the vars in every object. Returns the names of those that were never used.
    pub(crate) fn resolve(
        &self,
        map: &mut ResMap,
        specs: &[FieldSpec],
        schemas: &Schemas,
    ) -> Result<Vec<String>> {
        if self.known.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = BTreeMap::new();
        for var in self.known.values() {
            values.insert(var.name.clone(), read(map, var)?);
        }
        let mut replacer = Replacer { values, used: BTreeSet::new() };
        for at in 0..map.len() {
            let resource = &mut map.list_mut()[at];
            let id = resource.id(schemas);
            let shares = Shares::note(resource.tree(), resource.next_share);
            resource.with_tree(|tree| {
                for spec in specs {
                    spec.apply(&id, tree, Create::Never, &mut |place| replacer.set(place))?;
                }
                if let Some(shares) = &shares {
                    shares.settle(tree);
                }
                Ok(())
            })?;
        }
        Ok(self.known.keys().filter(|name| !replacer.used.contains(*name)).cloned().collect())
    }
}

/// What a var stands for.
#[derive(Debug, Clone, PartialEq)]
enum Text {
    Str(String),
    /// A number or boolean: its text and tag.
    Other(String, Tag),
    /// A collection, which cannot be put into text.
    Unusable,
}

fn read(map: &ResMap, var: &Var) -> Result<Text> {
    let Some(resource) = map.list().iter().find(|resource| resource.var_names.contains(&var.name)) else {
        fail!("var '{}' cannot be mapped to a field in the set of known resources", show(var));
    };
    let fields: Vec<String> =
        nodes::split_field_path(&var.fieldref.field_path).into_iter().flat_map(split_index).collect();
    let node = path::lookup(resource.tree(), &fields).ok().flatten();
    let Some(node) = node else {
        fail!("field specified in var '{}' not found in corresponding resource", show(var));
    };
    Ok(match (&node.kind, &node.tag) {
        (Kind::Scalar(text), Tag::Int) => match text.parse::<i64>() {
            Ok(number) => Text::Other(number.to_string(), Tag::Int),
            Err(_) => fail!("field specified in var '{}' not found in corresponding resource", show(var)),
        },
        (Kind::Scalar(text), Tag::Float) => match text.parse::<f64>() {
            Ok(number) => Text::Other(plain_float(number), Tag::Float),
            Err(_) => fail!("field specified in var '{}' not found in corresponding resource", show(var)),
        },
        (Kind::Scalar(text), Tag::Bool) => match text.as_str() {
            "true" | "True" | "TRUE" => Text::Other("true".to_owned(), Tag::Bool),
            "false" | "False" | "FALSE" => Text::Other("false".to_owned(), Tag::Bool),
            _ => fail!("field specified in var '{}' not found in corresponding resource", show(var)),
        },
        (Kind::Scalar(text), _) => Text::Str(text.to_string()),
        _ => Text::Unusable,
    })
}

/// Go's FormatFloat with 'f' and the shortest precision.
fn plain_float(number: f64) -> String {
    format!("{number}")
}

/// `ports[0]` to `ports` and `0`.
fn split_index(field: String) -> Vec<String> {
    let Some((name, index)) = field.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return vec![field];
    };
    if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
        return vec![field];
    }
    if name.is_empty() { vec![index.to_owned()] } else { vec![name.to_owned(), index.to_owned()] }
}

struct Replacer {
    values: BTreeMap<String, Text>,
    used: BTreeSet<String>,
}

impl Replacer {
    fn set(&mut self, place: &mut Node) -> Result<()> {
        if place.tag == Tag::Null {
            return Ok(());
        }
        match &mut place.kind {
            Kind::Scalar(_) => {
                if nodes::is_string(place) {
                    self.replace(place);
                }
                Ok(())
            }
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    if !nodes::is_string(key) {
                        fail!("invalid map key: value='{}', tag='{}'", nodes::text(key), key.tag.as_str());
                    }
                    if nodes::is_string(value) {
                        self.replace(value);
                    }
                }
                Ok(())
            }
            Kind::Sequence(items) => {
                for item in items {
                    if !nodes::is_string(item) {
                        return Err(Error::new("invalid value type expect a string"));
                    }
                    self.replace(item);
                }
                Ok(())
            }
            Kind::Alias(_) => fail!("invalid type encountered 16"),
        }
    }

    fn replace(&mut self, place: &mut Node) {
        let (text, tag) = self.expand(nodes::text(place));
        place.kind = Kind::Scalar(text.into());
        place.tag = tag;
        place.style = Style::Default;
    }

    fn expand(&mut self, input: &str) -> (String, Tag) {
        let mut out = String::with_capacity(input.len());
        let mut rest = input;
        while let Some(at) = rest.find('$') {
            let after = &rest[at + 1..];
            let Some(next) = after.chars().next() else { break };
            out.push_str(&rest[..at]);
            match next {
                '$' => {
                    out.push('$');
                    rest = &after[1..];
                }
                '(' => match after.find(')') {
                    Some(end) => {
                        let name = &after[1..end];
                        let whole = input.len() == end + 2 && at == 0 && rest.len() == input.len();
                        match self.values.get(name) {
                            Some(Text::Str(text)) => {
                                self.used.insert(name.to_owned());
                                if whole {
                                    return (text.clone(), Tag::Str);
                                }
                                out.push_str(text);
                            }
                            Some(Text::Other(text, tag)) => {
                                self.used.insert(name.to_owned());
                                if whole {
                                    return (text.clone(), tag.clone());
                                }
                                out.push_str(text);
                            }
                            _ => {
                                if whole {
                                    return (input.to_owned(), Tag::Str);
                                }
                                out.push_str(&format!("$({name})"));
                            }
                        }
                        rest = &after[end + 1..];
                    }
                    None => {
                        out.push_str("$(");
                        rest = &after[1..];
                    }
                },
                other => {
                    out.push('$');
                    out.push(other);
                    rest = &after[other.len_utf8()..];
                }
            }
        }
        out.push_str(rest);
        (out, Tag::Str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand() {
        let values = BTreeMap::from([
            ("A".to_owned(), Text::Str("x".to_owned())),
            ("N".to_owned(), Text::Other("8080".to_owned(), Tag::Int)),
        ]);
        let mut replacer = Replacer { values, used: BTreeSet::new() };
        for (input, want, tag) in [
            ("$(A)", "x", Tag::Str),
            ("a-$(A)-$(B)", "a-x-$(B)", Tag::Str),
            ("$(N)", "8080", Tag::Int),
            (":$(N)", ":8080", Tag::Str),
            ("$$(A) $x $", "$(A) $x $", Tag::Str),
            ("$(A", "$(A", Tag::Str),
        ] {
            assert_eq!(replacer.expand(input), (want.to_owned(), tag), "{input}");
        }
    }
}
