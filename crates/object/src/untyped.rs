//! [`Object`]: JSON that is a map, with the questions that everyone asks of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::split_api_version;
use crate::{Gvk, ObjectId};

/// A Kubernetes object as JSON. Fields of the wrong type read as absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

/// JSON that is not a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an object")]
pub struct NotAnObject;

impl TryFrom<Value> for Object {
    type Error = NotAnObject;
    fn try_from(value: Value) -> Result<Self, NotAnObject> {
        match value {
            Value::Object(fields) => Ok(Object(fields)),
            _ => Err(NotAnObject),
        }
    }
}

impl From<Map<String, Value>> for Object {
    fn from(fields: Map<String, Value>) -> Self {
        Object(fields)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object.0)
    }
}

impl Object {
    /// An object of which only the name is known.
    pub fn named(gvk: &Gvk, namespace: &str, name: &str) -> Self {
        let mut object = Object::default();
        object.0.insert("apiVersion".into(), gvk.api_version().into());
        object.0.insert("kind".into(), gvk.kind.clone().into());
        object.set_metadata("name", name.into());
        if !namespace.is_empty() {
            object.set_metadata("namespace", namespace.into());
        }
        object
    }

    /// The fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
    /// The fields, to change.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
    /// A copy as a plain value.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// The value at a path of map keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, key| value.as_object()?.get(*key))
    }
    /// The value at a path of map keys, to change.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get_mut(*first)?, |value, key| value.as_object_mut()?.get_mut(*key))
    }
    /// The text at a path of map keys; empty if there is none.
    pub fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }
    /// Takes away the value at a path of map keys.
    pub fn remove_at(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        if parents.is_empty() {
            return self.0.remove(*last);
        }
        self.at_mut(parents)?.as_object_mut()?.remove(*last)
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text_at(&["apiVersion"])
    }
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        split_api_version(self.api_version()).0
    }
    /// The API version without the group.
    pub fn version(&self) -> &str {
        split_api_version(self.api_version()).1
    }
    /// `kind`.
    pub fn kind(&self) -> &str {
        self.text_at(&["kind"])
    }
    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.group(), self.version(), self.kind())
    }
    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text_at(&["metadata", "name"])
    }
    /// `metadata.namespace`; empty outside namespaces.
    pub fn namespace(&self) -> &str {
        self.text_at(&["metadata", "namespace"])
    }
    /// What it is called, whatever its version.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            namespace: self.namespace().into(),
            name: self.name().into(),
            group: self.group().into(),
            kind: self.kind().into(),
        }
    }
    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text_at(&["metadata", "uid"])
    }
    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        self.text_at(&["metadata", "resourceVersion"])
    }
    /// `metadata.generation`; zero if there is none.
    pub fn generation(&self) -> i64 {
        self.at(&["metadata", "generation"]).and_then(Value::as_i64).unwrap_or_default()
    }
    /// Whether its deletion was asked for.
    pub fn is_deleting(&self) -> bool {
        self.at(&["metadata", "deletionTimestamp"]).is_some_and(|at| !at.is_null())
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "labels", key])?.as_str()
    }
    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", key])?.as_str()
    }
    /// All labels.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        self.texts(&["metadata", "labels"])
    }
    /// All annotations.
    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        self.texts(&["metadata", "annotations"])
    }
    fn texts(&self, path: &[&str]) -> BTreeMap<&str, &str> {
        let entries = self.at(path).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }
    /// Whether a label or an annotation has this value, in any case of letters; an empty one counts as absent.
    pub fn is_marked(&self, key: &str, value: &str) -> bool {
        [self.label(key), self.annotation(key)]
            .into_iter()
            .flatten()
            .any(|found| !found.is_empty() && found.to_lowercase() == value.to_lowercase())
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_in("labels", key, value);
    }
    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_in("annotations", key, value);
    }
    /// Sets the namespace.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.set_metadata("namespace", namespace.into());
    }
    /// Takes it out of any namespace.
    pub fn clear_namespace(&mut self) {
        map_of(&mut self.0, "metadata").remove("namespace");
    }
    /// Sets a field of `metadata`.
    pub fn set_metadata(&mut self, key: &str, value: Value) {
        map_of(&mut self.0, "metadata").insert(key.to_owned(), value);
    }
    /// Makes `metadata.creationTimestamp` null, unless there is a `metadata` that is no map.
    pub(crate) fn set_creation_timestamp_null(&mut self) {
        if self.0.get("metadata").is_none_or(Value::is_object) {
            self.set_metadata("creationTimestamp", Value::Null);
        }
    }
    fn set_in(&mut self, field: &str, key: &str, value: &str) {
        map_of(map_of(&mut self.0, "metadata"), field).insert(key.to_owned(), value.into());
    }
    /// Puts labels and annotations on it, over those that it has.
    pub fn set_labels_and_annotations(
        &mut self,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
    ) {
        for (key, value) in labels {
            self.set_label(key, value);
        }
        for (key, value) in annotations {
            self.set_annotation(key, value);
        }
    }

    /// Whether it has what every object must have: a name, a kind and an API version.
    pub fn is_complete(&self) -> bool {
        !self.name().is_empty() && !self.kind().is_empty() && !self.api_version().is_empty()
    }
    /// Whether it is a CustomResourceDefinition.
    pub fn is_crd(&self) -> bool {
        self.kind().eq_ignore_ascii_case("CustomResourceDefinition")
            && self.api_version().starts_with("apiextensions.k8s.io/")
    }
    /// Whether it is a Namespace.
    pub fn is_namespace(&self) -> bool {
        self.kind().eq_ignore_ascii_case("Namespace") && self.api_version() == "v1"
    }
    /// Whether it is a ClusterRole.
    pub fn is_cluster_role(&self) -> bool {
        self.kind().eq_ignore_ascii_case("ClusterRole")
            && self.api_version().starts_with("rbac.authorization.k8s.io/")
    }
    /// Whether it is a Secret.
    pub fn is_secret(&self) -> bool {
        self.kind().eq_ignore_ascii_case("Secret") && self.api_version() == "v1"
    }
    /// Whether it is a Job.
    pub fn is_job(&self) -> bool {
        self.kind() == "Job" && self.api_version().starts_with("batch/")
    }
    /// Whether it is the file format of kustomize, which no server knows.
    pub fn is_kustomize_config(&self) -> bool {
        self.kind().eq_ignore_ascii_case("Kustomization")
            && self.api_version().starts_with("kustomize.config.k8s.io/")
    }
    /// Whether it is a Job that the cluster removes by itself some time after its end.
    pub fn is_job_with_ttl(&self) -> bool {
        self.is_job() && self.at(&["spec", "ttlSecondsAfterFinished"]).is_some_and(Value::is_i64)
    }
}

/// The map at a key, made if it is absent or something else.
fn map_of<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made a map above")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_the_wrong_type_read_as_absent() {
        let object = Object::try_from(json!({"apiVersion": 1, "kind": [], "metadata": "x"})).unwrap();
        assert_eq!((object.api_version(), object.kind(), object.name()), ("", "", ""));
        assert!(!object.is_complete());
        let object =
            Object::try_from(json!({"metadata": {"labels": ["a"], "annotations": {"a": 1, "b": "c"}}}))
                .unwrap();
        assert_eq!(object.labels(), BTreeMap::new());
        assert_eq!(object.annotations(), BTreeMap::from([("b", "c")]));
        assert_eq!(Object::try_from(json!([])), Err(NotAnObject));
    }

    #[test]
    fn marks_are_found_on_labels_and_annotations_in_any_case() {
        let mut object = Object::named(&Gvk::new("apps", "v1", "Deployment"), "ns", "web");
        assert!(!object.is_marked("prune", "disabled"));
        object.set_annotation("prune", "Disabled");
        assert!(object.is_marked("prune", "disabled"));
        object.set_label("prune", "");
        assert!(object.is_marked("prune", "disabled"));
        assert_eq!(object.id().to_inventory(), "ns_web_apps_Deployment");
        assert_eq!(object.gvk().to_string(), "apps/v1, Kind=Deployment");
    }
}
