//! Labels, annotations and finalizers that the controllers act upon, spelled as in the API.

/// The finalizer of source-, kustomize- and helm-controller.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Any change of its value starts a reconciliation.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Together with the same value of [`REQUESTED_AT`]: one forced install or upgrade.
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// Together with the same value of [`REQUESTED_AT`]: failure counters start again.
pub const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";
/// On a ConfigMap or Secret: its changes start its referrers.
pub const WATCH: &str = "reconcile.fluxcd.io/watch";
/// The value of [`WATCH`].
pub const WATCH_ENABLED: &str = "Enabled";
/// Which shard of the controllers an object belongs to.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";
/// Annotations below this prefix are copied to events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";
/// Artifact metadata: the revision in the project's own repository.
pub const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";
/// Artifact metadata: the project's own repository.
pub const ORIGIN_SOURCE: &str = "org.opencontainers.image.source";

/// On applied objects: the Kustomization that owns it.
pub const KUSTOMIZATION_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// On applied objects: the namespace of the Kustomization that owns it.
pub const KUSTOMIZATION_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
/// On objects: `disabled` leaves them alone.
pub const KUSTOMIZE_RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// On objects: `Override`, `Merge`, `IfNotPresent` or `Ignore`.
pub const KUSTOMIZE_SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// On objects: `enabled` recreates them when an immutable field changes.
pub const KUSTOMIZE_FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// On objects: `disabled` keeps them when they become stale.
pub const KUSTOMIZE_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// On objects: `disabled` keeps variables in them as they are.
pub const KUSTOMIZE_SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// On objects: `disabled` keeps them encrypted.
pub const KUSTOMIZE_DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// On Kustomizations, unknown to Flux: `watch` puts back at once what others change; `interval` waits for the interval.
pub const KUSTOMIZE_DRIFT: &str = "kustomize.toolkit.fluxcd.io/drift";
/// On Kustomizations, unknown to Flux: the revision for which a deletion that `--prune-guard` holds up may be made.
pub const KUSTOMIZE_PRUNE_APPROVED: &str = "kustomize.toolkit.fluxcd.io/prune-approved";

/// On objects of a release: the HelmRelease that owns it.
pub const HELM_RELEASE_NAME: &str = "helm.toolkit.fluxcd.io/name";
/// On objects of a release: the namespace of the HelmRelease that owns it.
pub const HELM_RELEASE_NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
/// On objects of a release: `disabled` leaves them out of drift detection.
pub const HELM_DRIFT_DETECTION: &str = "helm.toolkit.fluxcd.io/driftDetection";

/// The finalizer of source-watcher.
pub const GENERATOR_FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";
/// On an ArtifactGenerator: `disabled` suspends it.
pub const GENERATOR_RECONCILE: &str = "source.extensions.fluxcd.io/reconcile";
/// On an ExternalArtifact: the UID of the ArtifactGenerator that made it.
pub const GENERATOR: &str = "source.extensions.fluxcd.io/generator";
