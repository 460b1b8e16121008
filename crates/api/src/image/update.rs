//! ImageUpdateAutomation: writing chosen tags to Git.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GROUP, ImageRef, VERSION};
use crate::is_default;
use crate::kind::{Resource, Spec, conditions_status};
use crate::meta::{
    Condition, CrossNamespaceSourceReference, Duration, LabelSelector, LocalObjectReference, Time,
};
use crate::source::git::GitRepositoryRef;

/// Chosen tags, written to Git.
pub type ImageUpdateAutomation = Resource<ImageUpdateAutomationSpec>;

/// What to write where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationSpec {
    /// The GitRepository.
    pub source_ref: CrossNamespaceSourceReference,
    /// How to check out, commit and push.
    #[serde(skip_serializing_if = "is_default")]
    pub git: Option<GitSpec>,
    /// How often to look.
    pub interval: Duration,
    /// Which ImagePolicies count; none means all of the namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub policy_selector: Option<LabelSelector>,
    /// How files are changed.
    #[serde(skip_serializing_if = "is_default")]
    pub update: Option<UpdateStrategy>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// How to check out, commit and push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitSpec {
    /// What to check out; none means what the GitRepository says.
    #[serde(skip_serializing_if = "is_default")]
    pub checkout: Option<GitCheckoutSpec>,
    /// How to commit.
    pub commit: CommitSpec,
    /// Where to push; none means where it was checked out.
    #[serde(skip_serializing_if = "is_default")]
    pub push: Option<PushSpec>,
}

/// What to check out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitCheckoutSpec {
    /// Which revision.
    #[serde(rename = "ref")]
    pub reference: GitRepositoryRef,
}

/// How to commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommitSpec {
    /// Who commits.
    pub author: CommitUser,
    /// With what to sign.
    #[serde(skip_serializing_if = "is_default")]
    pub signing_key: Option<SigningKey>,
    /// A Go template of the message.
    #[serde(skip_serializing_if = "is_default")]
    pub message_template: String,
    /// Values for it.
    #[serde(skip_serializing_if = "is_default")]
    pub message_template_values: BTreeMap<String, String>,
}

/// Who commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitUser {
    /// Name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Address.
    pub email: String,
}

/// With what to sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SigningKey {
    /// The Secret with the key.
    pub secret_ref: LocalObjectReference,
    /// `gpg` or `ssh`.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: String,
}

/// Where to push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PushSpec {
    /// A branch.
    #[serde(skip_serializing_if = "is_default")]
    pub branch: String,
    /// A refspec.
    #[serde(skip_serializing_if = "is_default")]
    pub refspec: String,
    /// Push options.
    #[serde(skip_serializing_if = "is_default")]
    pub options: BTreeMap<String, String>,
}

/// How files are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateStrategy {
    /// `Setters`.
    #[serde(skip_serializing_if = "is_default")]
    pub strategy: String,
    /// The folder to change; empty means all.
    #[serde(skip_serializing_if = "is_default")]
    pub path: String,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationStatus {
    /// When it last ran.
    #[serde(skip_serializing_if = "is_default")]
    pub last_automation_run_time: Option<Time>,
    /// The last pushed commit.
    #[serde(skip_serializing_if = "is_default")]
    pub last_push_commit: String,
    /// When it was pushed.
    #[serde(skip_serializing_if = "is_default")]
    pub last_push_time: Option<Time>,
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The images of the last run, by ImagePolicy.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_policies: BTreeMap<String, ImageRef>,
    /// The revision of the last run.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_source_revision: String,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for ImageUpdateAutomationSpec {
    type Status = ImageUpdateAutomationStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "ImageUpdateAutomation";
    const PLURAL: &'static str = "imageupdateautomations";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

conditions_status!(ImageUpdateAutomationStatus);
