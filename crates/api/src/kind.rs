//! What every kind has in common: its names in the API, and the object of metadata, spec and status around it.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::meta::{Artifact, Condition, ObjectMeta};

/// The spec of a kind, which says what the kind is called.
pub trait Spec:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The status that goes with this spec.
    type Status: Status;
    /// The API group, such as `source.toolkit.fluxcd.io`.
    const GROUP: &'static str;
    /// The served version, such as `v1`.
    const VERSION: &'static str;
    /// The kind, such as `GitRepository`.
    const KIND: &'static str;
    /// The resource name in URLs, such as `gitrepositories`.
    const PLURAL: &'static str;
    /// Whether objects of this kind live in a namespace.
    const NAMESPACED: bool = true;
    /// The finalizer that the controller of this kind puts on its objects.
    const FINALIZER: &'static str = crate::meta::labels::FINALIZER;

    /// `spec.suspend`, where the kind has it.
    fn is_suspended(&self) -> bool {
        false
    }
}

/// What every status can be asked for. A kind whose status lacks one of these answers with nothing and keeps nothing.
pub trait Status:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The conditions, in the order in which they are stored.
    fn conditions(&self) -> &[Condition];
    /// The conditions, to change.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// `status.observedGeneration`; zero where absent.
    fn observed_generation(&self) -> i64;
    /// Records the generation that a run has dealt with.
    fn set_observed_generation(&mut self, generation: i64);
    /// `status.lastHandledReconcileAt`; empty where absent.
    fn last_handled_reconcile_at(&self) -> &str;
    /// Records the value of the reconcile request that a run has dealt with.
    fn set_last_handled_reconcile_at(&mut self, value: String);
    /// `status.artifact`, where the kind has one.
    fn artifact(&self) -> Option<&Artifact> {
        None
    }
}

/// The status of a kind that has none: it keeps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoStatus {
    /// Always empty.
    #[serde(skip)]
    conditions: Vec<Condition>,
}

impl Status for NoStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }
    fn observed_generation(&self) -> i64 {
        0
    }
    fn set_observed_generation(&mut self, _: i64) {}
    fn last_handled_reconcile_at(&self) -> &str {
        Default::default()
    }
    fn set_last_handled_reconcile_at(&mut self, _: String) {}
}

/// An object of a kind of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource<S: Spec> {
    /// Name, namespace, labels and the rest.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: S,
    /// What is.
    pub status: S::Status,
}

/// A kind of ours, as generic code names it: `K::KIND`, `K::PLURAL`, `object.spec()`.
pub trait Kind: Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of the spec.
    type Spec: Spec<Status = Self::Status>;
    /// The type of the status.
    type Status: Status;
    /// The API group.
    const GROUP: &'static str;
    /// The served version.
    const VERSION: &'static str;
    /// The kind.
    const KIND: &'static str;
    /// The resource name in URLs.
    const PLURAL: &'static str;
    /// Whether objects of this kind live in a namespace.
    const NAMESPACED: bool;
    /// The finalizer that the controller of this kind puts on its objects.
    const FINALIZER: &'static str;

    /// Name, namespace, labels and the rest.
    fn metadata(&self) -> &ObjectMeta;
    /// The same, to change.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
    /// What is wanted.
    fn spec(&self) -> &Self::Spec;
    /// What is.
    fn status(&self) -> &Self::Status;
    /// The same, to change.
    fn status_mut(&mut self) -> &mut Self::Status;
    /// `spec.suspend`, where the kind has it.
    fn is_suspended(&self) -> bool {
        self.spec().is_suspended()
    }
    /// `group/version`.
    fn api_version() -> String {
        format!("{}/{}", Self::GROUP, Self::VERSION)
    }
}

impl<S: Spec> Kind for Resource<S> {
    type Spec = S;
    type Status = S::Status;
    const GROUP: &'static str = S::GROUP;
    const VERSION: &'static str = S::VERSION;
    const KIND: &'static str = S::KIND;
    const PLURAL: &'static str = S::PLURAL;
    const NAMESPACED: bool = S::NAMESPACED;
    const FINALIZER: &'static str = S::FINALIZER;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
    fn spec(&self) -> &S {
        &self.spec
    }
    fn status(&self) -> &S::Status {
        &self.status
    }
    fn status_mut(&mut self) -> &mut S::Status {
        &mut self.status
    }
}

impl<S: Spec> Resource<S> {
    /// `namespace/name`, or the name alone outside namespaces.
    pub fn qualified_name(&self) -> String {
        self.metadata.qualified_name()
    }
}

impl<S: Spec> Serialize for Resource<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let with_status = !crate::is_default(&self.status);
        let mut object = serializer.serialize_struct("Resource", 4 + usize::from(with_status))?;
        object.serialize_field("apiVersion", &Self::api_version())?;
        object.serialize_field("kind", S::KIND)?;
        object.serialize_field("metadata", &self.metadata)?;
        object.serialize_field("spec", &self.spec)?;
        if with_status {
            object.serialize_field("status", &self.status)?;
        }
        object.end()
    }
}

impl<'de, S: Spec> Deserialize<'de> for Resource<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", bound = "S: Spec")]
        struct Parts<S: Spec> {
            #[serde(default)]
            api_version: Option<String>,
            #[serde(default)]
            kind: Option<String>,
            #[serde(default)]
            metadata: ObjectMeta,
            #[serde(default)]
            spec: S,
            #[serde(default)]
            status: S::Status,
        }
        let parts = Parts::<S>::deserialize(deserializer)?;
        // Items of a list carry neither apiVersion nor kind, so both may be absent.
        if let Some(kind) = parts.kind.filter(|kind| kind != S::KIND) {
            return Err(serde::de::Error::custom(format_args!("kind is {kind}, not {}", S::KIND)));
        }
        if let Some(group) = parts.api_version.as_deref().map(group_of).filter(|group| *group != S::GROUP) {
            return Err(serde::de::Error::custom(format_args!("API group is '{group}', not {}", S::GROUP)));
        }
        Ok(Resource { metadata: parts.metadata, spec: parts.spec, status: parts.status })
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// An object that is not of the kind it was read as.
#[derive(Debug, thiserror::Error)]
#[error("cannot read a {kind}")]
pub struct ParseError {
    kind: &'static str,
    source: serde_json::Error,
}

/// Reads an object that did not come from an API server: nulls are dropped first, as the server drops them,
/// but for those below `spec.values`, where a null is a value.
pub fn parse<K: Kind>(mut value: Value) -> Result<K, ParseError> {
    if let Some(object) = value.as_object_mut() {
        for (key, part) in object.iter_mut() {
            if key == "spec" {
                if let Some(spec) = part.as_object_mut() {
                    spec.retain(|_, field| !field.is_null());
                    spec.iter_mut()
                        .filter(|(name, _)| *name != "values")
                        .for_each(|(_, field)| drop_nulls(field));
                }
            } else {
                drop_nulls(part);
            }
        }
        object.retain(|_, part| !part.is_null());
    }
    serde_json::from_value(value).map_err(|source| ParseError { kind: K::KIND, source })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// [`Status`] of a kind that keeps conditions, the observed generation and the handled request under their usual names.
macro_rules! conditions_status {
    ($status:ty $(, { $($more:item)* })?) => {
        impl $crate::kind::Status for $status {
            fn conditions(&self) -> &[$crate::meta::Condition] {
                &self.conditions
            }
            fn conditions_mut(&mut self) -> &mut Vec<$crate::meta::Condition> {
                &mut self.conditions
            }
            fn observed_generation(&self) -> i64 {
                self.observed_generation
            }
            fn set_observed_generation(&mut self, generation: i64) {
                self.observed_generation = generation;
            }
            fn last_handled_reconcile_at(&self) -> &str {
                &self.last_handled_reconcile_at
            }
            fn set_last_handled_reconcile_at(&mut self, value: String) {
                self.last_handled_reconcile_at = value;
            }
            $($($more)*)?
        }
    };
}
pub(crate) use conditions_status;
