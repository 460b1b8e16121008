//! What an object is called: group, kind, namespace and name, and the text that stands for them in an inventory.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A kind within its API group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// The group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

impl GroupKind {
    /// A kind of a group.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        GroupKind { group: group.into(), kind: kind.into() }
    }
}

/// Go's form: `Deployment.apps`, or the kind alone in the core group.
impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// A kind within a version of its API group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl Gvk {
    /// A kind of a group's version.
    pub fn new(group: impl Into<String>, version: impl Into<String>, kind: impl Into<String>) -> Self {
        Gvk { group: group.into(), version: version.into(), kind: kind.into() }
    }
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        join_api_version(&self.group, &self.version)
    }
    /// Without the version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(&self.group, &self.kind)
    }
}

/// Go's form: `apps/v1, Kind=Deployment`.
impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// `group/version`, or the version alone in the core group.
pub fn join_api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The group and the version of an `apiVersion`.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Which object: what stays the same over all versions of its API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectId {
    /// Empty outside namespaces.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
}

impl ObjectId {
    /// Group and kind alone.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(&self.group, &self.kind)
    }

    /// `<namespace>_<name>_<group>_<kind>`, as inventories have it.
    /// Names of RBAC objects may hold colons, which are written as two underscores.
    pub fn to_inventory(&self) -> String {
        let rbac = self.group == "rbac.authorization.k8s.io"
            && matches!(self.kind.as_str(), "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding");
        let name = if rbac { self.name.replace(':', "__") } else { self.name.clone() };
        format!("{}_{}_{}_{}", self.namespace, name, self.group, self.kind)
    }

    /// Reads what [`ObjectId::to_inventory`] writes.
    pub fn from_inventory(text: &str) -> Result<Self, ParseIdError> {
        // The error names what was left to read, as upstream's does.
        let error = |rest: &str| ParseIdError(rest.chars().take(1024).collect());
        let (namespace, rest) = text.split_once('_').ok_or_else(|| error(text))?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(|| error(rest))?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(|| error(rest))?;
        Ok(ObjectId {
            namespace: namespace.into(),
            name: name.replace("__", ":"),
            group: group.into(),
            kind: kind.into(),
        })
    }
}

/// `Kind/namespace/name`, or `Kind/name` outside namespaces: what people read.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

impl FromStr for ObjectId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        ObjectId::from_inventory(text)
    }
}

/// In apply order.
impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> Ordering {
        crate::order::rank(&self.kind)
            .cmp(&crate::order::rank(&other.kind))
            .then_with(|| self.group.cmp(&other.group))
            .then_with(|| self.kind.cmp(&other.kind))
            .then_with(|| self.namespace.cmp(&other.namespace))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An inventory entry that names no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {0}")]
pub struct ParseIdError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_as_inventories_have_them() {
        for (text, id) in [
            ("default_web_apps_Deployment", ["default", "web", "apps", "Deployment"]),
            ("_apps__Namespace", ["", "apps", "", "Namespace"]),
            (
                "_system__node_rbac.authorization.k8s.io_ClusterRole",
                ["", "system:node", "rbac.authorization.k8s.io", "ClusterRole"],
            ),
            ("ns_a.b-c_example.com_Widget", ["ns", "a.b-c", "example.com", "Widget"]),
        ] {
            let [namespace, name, group, kind] = id.map(String::from);
            let id = ObjectId { namespace, name, group, kind };
            assert_eq!(id.to_inventory(), text);
            assert_eq!(text.parse(), Ok(id));
        }
        for text in ["", "a", "a_b", "a_b_c"] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }

    #[test]
    fn people_read_kind_namespace_name() {
        let id: ObjectId = "default_web_apps_Deployment".parse().unwrap();
        assert_eq!(id.to_string(), "Deployment/default/web");
        let id: ObjectId = "_apps__Namespace".parse().unwrap();
        assert_eq!(id.to_string(), "Namespace/apps");
    }
}
