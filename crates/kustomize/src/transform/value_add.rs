//! ValueAddTransformer: one value into fields, or into one part of the path that a field holds.

use crate::error::{Result, fail};
use crate::file::Selector;
use crate::file::decode::record;
use crate::nodes;
use crate::path::{Made, lookup_create};
use crate::resmap::ResMap;
use crate::schema::Schemas;
use crate::transform::namespace;

record! {
    pub struct ValueTarget: "builtins.Target" {
        selector: Option<Selector> = "selector",
        field_path: String = "fieldPath",
        file_path_position: i64 = "filePathPosition",
    }
}

record! {
    pub struct ValueAdd: "builtins.ValueAddTransformerPlugin" {
        value: String = "value",
        targets: Vec<ValueTarget> = "targets",
        target_file_path: String = "targetFilePath",
    }
}

impl ValueAdd {
    pub(crate) fn check(&self) -> Result<()> {
        if self.targets.is_empty() {
            fail!("must specify at least one target");
        }
        for target in &self.targets {
            if target.field_path.is_empty() {
                fail!("fieldPath cannot be empty");
            }
            if target.file_path_position < 0 {
                fail!("value of FilePathPosition ({}) cannot be negative", target.file_path_position);
            }
        }
        Ok(())
    }
}

/// Adds the value at every target.
pub(crate) fn apply(map: &mut ResMap, add: &ValueAdd, schemas: &Schemas) -> Result<()> {
    for target in &add.targets {
        let chosen = match &target.selector {
            Some(selector) => crate::selector::select(map, selector, schemas)?,
            None => (0..map.len()).collect(),
        };
        for at in chosen {
            let resource = &mut map.list_mut()[at];
            let id = resource.id(schemas);
            resource.with_tree(|tree| {
                if target.field_path == "metadata/namespace" {
                    let setting = namespace::Setting {
                        namespace: &add.value,
                        specs: &[],
                        unset_only: false,
                        subjects: namespace::Subjects::default(),
                    };
                    return namespace::set_in(tree, &id, setting);
                }
                let fields = split(&target.field_path);
                let Some(place) = lookup_create(tree, &fields, Made::Scalar)? else { return Ok(()) };
                nodes::expect_scalar(place)?;
                let value = if target.file_path_position > 0 {
                    insert_part(nodes::text(place), target.file_path_position - 1, &add.value)
                } else {
                    add.value.clone()
                };
                nodes::set_scalar(place, nodes::untagged(value))
            })?;
        }
    }
    Ok(())
}

fn split(path: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for part in path.split('/') {
        match fields.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            _ => fields.push(part.to_owned()),
        }
    }
    fields.retain(|field| !field.trim().is_empty());
    fields
}

/// Puts a part into a file path; a leading `/` does not count as one.
fn insert_part(path: &str, position: i64, part: &str) -> String {
    if part.is_empty() {
        return path.to_owned();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let at = usize::try_from(position).unwrap_or(0).min(parts.len());
    parts.insert(at, part);
    format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_inserted() {
        assert_eq!(insert_part("projects/a/b", 1, "x"), "projects/x/a/b");
        assert_eq!(insert_part("/a", 0, "x"), "/x/a");
        assert_eq!(insert_part("a", 9, "x"), "a/x");
    }
}
