//! What the commands know of each kind, once: where it lives in the API, how people name it, which columns its
//! table has and where in an object they are found. The verbs are written for all kinds and read this table.

mod cells;
pub mod on_kind;

use serde_json::Value;

use crate::cluster::Resource;

/// The noun above a kind's own: `source` in `get sources git`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Source,
    Image,
    Artifact,
}

impl Family {
    pub const ALL: [Family; 3] = [Family::Source, Family::Image, Family::Artifact];

    pub fn noun(self) -> &'static str {
        match self {
            Family::Source => "source",
            Family::Image => "image",
            Family::Artifact => "artifact",
        }
    }

    pub fn nouns(self) -> &'static str {
        match self {
            Family::Source => "sources",
            Family::Image => "images",
            Family::Artifact => "artifacts",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Only with `--show-source`.
    Source,
    /// The object that an ExternalArtifact stands for.
    StandsFor,
    Revision,
    Image,
    Tag,
    LastScan,
    LastRun,
    Suspended,
    Ready,
    Message,
}

/// Where the revision that an object is at is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    Artifact,
    LastApplied,
    /// The newest release's chart version, else the one last tried.
    Release,
    None,
}

/// How readiness is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// By the condition `Ready`.
    Condition,
    /// By the condition, but a repository of type `oci` has no reconciler.
    ConditionUnlessOci,
    /// Nothing reconciles it: always ready.
    Static,
}

/// What to tell when a reconciliation went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Fetched,
    Applied,
    Completed,
    Scanned,
    Selected,
    Message,
}

/// Which verbs a kind takes beyond `get` and `export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbs {
    All,
    /// Nothing reconciles it, so nothing can be asked to.
    AllButReconcile,
    /// Written by a controller or by hand alone.
    Read,
}

#[derive(Debug)]
pub struct Kind {
    pub kind: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    /// What messages call it: `source git`.
    pub human: &'static str,
    pub family: Option<Family>,
    pub noun: &'static str,
    pub nouns: &'static str,
    pub short: Option<&'static str>,
    pub columns: &'static [Column],
    pub revision: Revision,
    pub readiness: Readiness,
    pub outcome: Outcome,
    /// Whether digests in its table are cut to 8 characters.
    pub shortens: bool,
    pub verbs: Verbs,
}

const SOURCE: &str = "source.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

use Column::{Image, LastRun, LastScan, Message, Ready, Source, StandsFor, Suspended, Tag};
const SOURCE_COLUMNS: &[Column] = &[Column::Revision, Suspended, Ready, Message];
const APPLIED_COLUMNS: &[Column] = &[Source, Column::Revision, Suspended, Ready, Message];

/// What all sources share; the name of the artifact's producer differs.
const fn source(kind: &'static str, plural: &'static str, noun: &'static str, human: &'static str) -> Kind {
    Kind {
        kind,
        group: SOURCE,
        version: "v1",
        plural,
        human,
        family: Some(Family::Source),
        noun,
        nouns: noun,
        short: None,
        columns: SOURCE_COLUMNS,
        revision: Revision::Artifact,
        readiness: Readiness::Condition,
        outcome: Outcome::Fetched,
        shortens: true,
        verbs: Verbs::All,
    }
}

const fn image(kind: &'static str, plural: &'static str, noun: &'static str, human: &'static str) -> Kind {
    Kind {
        kind,
        group: IMAGE,
        version: "v1",
        plural,
        human,
        family: Some(Family::Image),
        noun,
        nouns: noun,
        short: None,
        columns: &[],
        revision: Revision::None,
        readiness: Readiness::Condition,
        outcome: Outcome::Message,
        shortens: false,
        verbs: Verbs::All,
    }
}

pub static GIT_REPOSITORY: Kind = source("GitRepository", "gitrepositories", "git", "source git");
pub static OCI_REPOSITORY: Kind = source("OCIRepository", "ocirepositories", "oci", "source oci");
pub static BUCKET: Kind = source("Bucket", "buckets", "bucket", "source bucket");
pub static HELM_CHART: Kind = source("HelmChart", "helmcharts", "chart", "source chart");
pub static HELM_REPOSITORY: Kind = Kind {
    readiness: Readiness::ConditionUnlessOci,
    ..source("HelmRepository", "helmrepositories", "helm", "source helm")
};
pub static EXTERNAL_ARTIFACT: Kind = Kind {
    columns: &[Column::Revision, StandsFor, Ready, Message],
    verbs: Verbs::Read,
    ..source("ExternalArtifact", "externalartifacts", "external", "source external-artifact")
};
pub static KUSTOMIZATION: Kind = Kind {
    group: "kustomize.toolkit.fluxcd.io",
    family: None,
    nouns: "kustomizations",
    short: Some("ks"),
    columns: APPLIED_COLUMNS,
    revision: Revision::LastApplied,
    outcome: Outcome::Applied,
    ..source("Kustomization", "kustomizations", "kustomization", "kustomization")
};
pub static HELM_RELEASE: Kind = Kind {
    group: "helm.toolkit.fluxcd.io",
    version: "v2",
    family: None,
    nouns: "helmreleases",
    short: Some("hr"),
    columns: APPLIED_COLUMNS,
    revision: Revision::Release,
    outcome: Outcome::Applied,
    shortens: false,
    ..source("HelmRelease", "helmreleases", "helmrelease", "helmrelease")
};
pub static IMAGE_REPOSITORY: Kind = Kind {
    columns: &[LastScan, Suspended, Ready, Message],
    outcome: Outcome::Scanned,
    ..image("ImageRepository", "imagerepositories", "repository", "image repository")
};
pub static IMAGE_POLICY: Kind = Kind {
    columns: &[Image, Tag, Ready, Message],
    outcome: Outcome::Selected,
    ..image("ImagePolicy", "imagepolicies", "policy", "image policy")
};
pub static IMAGE_UPDATE_AUTOMATION: Kind = Kind {
    columns: &[LastRun, Suspended, Ready, Message],
    ..image("ImageUpdateAutomation", "imageupdateautomations", "update", "image update automation")
};
pub static RECEIVER: Kind = Kind {
    group: NOTIFICATION,
    family: None,
    nouns: "receivers",
    columns: &[Suspended, Ready, Message],
    outcome: Outcome::Completed,
    ..image("Receiver", "receivers", "receiver", "receiver")
};
pub static ALERT: Kind = Kind {
    version: "v1beta3",
    readiness: Readiness::Static,
    verbs: Verbs::AllButReconcile,
    nouns: "alerts",
    group: NOTIFICATION,
    family: None,
    columns: &[Suspended, Ready, Message],
    outcome: Outcome::Completed,
    ..image("Alert", "alerts", "alert", "alert")
};
pub static PROVIDER: Kind = Kind {
    version: "v1beta3",
    readiness: Readiness::Static,
    verbs: Verbs::AllButReconcile,
    nouns: "alert-providers",
    group: NOTIFICATION,
    family: None,
    columns: &[Ready, Message],
    outcome: Outcome::Completed,
    ..image("Provider", "providers", "alert-provider", "alert provider")
};
pub static ARTIFACT_GENERATOR: Kind = Kind {
    group: "source.extensions.fluxcd.io",
    version: "v1beta1",
    family: Some(Family::Artifact),
    nouns: "generators",
    columns: &[Suspended, Ready, Message],
    outcome: Outcome::Completed,
    shortens: false,
    verbs: Verbs::Read,
    ..source("ArtifactGenerator", "artifactgenerators", "generator", "artifactgenerator")
};

/// Every kind, in the order in which `get all` tells of them; ArtifactGenerators are not in `get all`.
pub static KINDS: [&Kind; 15] = [
    &OCI_REPOSITORY,
    &BUCKET,
    &GIT_REPOSITORY,
    &HELM_REPOSITORY,
    &HELM_CHART,
    &EXTERNAL_ARTIFACT,
    &IMAGE_REPOSITORY,
    &IMAGE_POLICY,
    &IMAGE_UPDATE_AUTOMATION,
    &HELM_RELEASE,
    &KUSTOMIZATION,
    &RECEIVER,
    &PROVIDER,
    &ALERT,
    &ARTIFACT_GENERATOR,
];

/// The kind of this name, whatever its case.
pub fn named(kind: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|known| known.kind.eq_ignore_ascii_case(kind))
}

impl Kind {
    pub fn resource(&self) -> Resource {
        Resource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            plural: self.plural.to_owned(),
            kind: self.kind.to_owned(),
            namespaced: true,
        }
    }

    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether no controller reconciles this object, so that there is nothing to wait for.
    pub fn is_static(&self, object: &Value) -> bool {
        match self.readiness {
            Readiness::Static => true,
            Readiness::ConditionUnlessOci => object.pointer("/spec/type") == Some(&Value::from("oci")),
            Readiness::Condition => false,
        }
    }
}
