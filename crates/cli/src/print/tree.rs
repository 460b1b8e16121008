//! Objects below the objects that made them, drawn with lines or as data.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use sluice_object::ObjectId;

/// One object and what it made.
#[derive(Debug, Clone)]
pub struct Tree {
    pub object: ObjectId,
    pub children: Vec<Tree>,
}

/// As the reference's JSON has it: `resource`, and `resources` where there are any.
impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tree = serializer.serialize_struct("Tree", 2)?;
        tree.serialize_field("resource", &Named(&self.object))?;
        if !self.children.is_empty() {
            tree.serialize_field("resources", &self.children)?;
        }
        tree.end()
    }
}

struct Named<'a>(&'a ObjectId);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut named = serializer.serialize_struct("Named", 3)?;
        named.serialize_field("Namespace", &self.0.namespace)?;
        named.serialize_field("Name", &self.0.name)?;
        named.serialize_field("GroupKind", &OfKind(self.0))?;
        named.end()
    }
}

struct OfKind<'a>(&'a ObjectId);

impl Serialize for OfKind<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut kind = serializer.serialize_struct("OfKind", 2)?;
        kind.serialize_field("Group", &self.0.group)?;
        kind.serialize_field("Kind", &self.0.kind)?;
        kind.end()
    }
}

impl Tree {
    pub fn new(object: ObjectId) -> Self {
        Self { object, children: Vec::new() }
    }

    /// The tree as lines, each ended.
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.object);
        draw(&mut out, "", &self.children);
        out
    }
}

fn draw(out: &mut String, indent: &str, children: &[Tree]) {
    for (index, child) in children.iter().enumerate() {
        let is_last = index + 1 == children.len();
        let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        out.push_str(&format!("{indent}{branch}{}\n", child.object));
        draw(out, &format!("{indent}{below}"), &child.children);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_drawn_with_lines() {
        let leaf = |id: &str| Tree::new(ObjectId::from_inventory(id).expect("an id"));
        let mut tree = leaf("ns_app_kustomize.toolkit.fluxcd.io_Kustomization");
        let mut inner = leaf("ns_web_apps_Deployment");
        inner.children.push(leaf("_a__b_rbac.authorization.k8s.io_ClusterRole"));
        tree.children = vec![inner.clone(), inner];
        let want = [
            "Kustomization/ns/app",
            "├── Deployment/ns/web",
            "│   └── ClusterRole/a:b",
            "└── Deployment/ns/web",
            "    └── ClusterRole/a:b\n",
        ];
        assert_eq!(tree.render(), want.join("\n"));
    }
}
