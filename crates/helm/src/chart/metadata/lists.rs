//! The lists in a chart's metadata, read as Go reads them.

use serde_json::Value;

use super::super::typed::{At, Typed, field};
use super::{DEPENDENCY_KEYS, Dependency, MAINTAINER_KEYS, Maintainer, put};

pub(super) fn read_maintainers(value: &Value, typed: &mut Typed) -> Option<Vec<Option<Maintainer>>> {
    let items = typed.list(value, At { owner: "Metadata", path: "maintainers" }, "[]*v2.Maintainer")?;
    let read = |item: &Value| {
        let map = typed.map(item, At { owner: "Metadata", path: "maintainers" }, "v2.Maintainer");
        if item.is_null() {
            return None;
        }
        let mut maintainer = Maintainer::default();
        for (key, value) in map.into_iter().flatten() {
            let Some(name) = field(MAINTAINER_KEYS, key) else { continue };
            let path = format!("maintainers.{name}");
            let text = typed.string(value, At { owner: "Maintainer", path: &path });
            match name {
                "name" => put(&mut maintainer.name, text),
                "email" => put(&mut maintainer.email, text),
                _ => put(&mut maintainer.url, text),
            }
        }
        Some(maintainer)
    };
    Some(items.iter().map(read).collect())
}

pub(super) fn read_dependencies(
    value: &Value,
    typed: &mut Typed,
    owner: &str,
) -> Option<Vec<Option<Dependency>>> {
    let items = typed.list(value, At { owner, path: "dependencies" }, "[]*v2.Dependency")?;
    let read = |item: &Value| {
        let map = typed.map(item, At { owner, path: "dependencies" }, "v2.Dependency");
        if item.is_null() {
            return None;
        }
        let mut dependency = Dependency::default();
        for (key, value) in map.into_iter().flatten() {
            let Some(name) = field(DEPENDENCY_KEYS, key) else { continue };
            let path = format!("dependencies.{name}");
            let at = At { owner: "Dependency", path: &path };
            match name {
                "name" => put(&mut dependency.name, typed.string(value, at)),
                "version" => put(&mut dependency.version, typed.string(value, at)),
                "repository" => put(&mut dependency.repository, typed.string(value, at)),
                "condition" => put(&mut dependency.condition, typed.string(value, at)),
                "tags" => dependency.tags = typed.strings(value, at),
                "enabled" => dependency.enabled = typed.boolean(value, at).unwrap_or_default(),
                "import-values" => {
                    dependency.import_values =
                        typed.list(value, at, "[]interface {}").map(|items| items.to_vec());
                }
                _ => put(&mut dependency.alias, typed.string(value, at)),
            }
        }
        Some(dependency)
    };
    Some(items.iter().map(read).collect())
}
