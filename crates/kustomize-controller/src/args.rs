//! The flags of kustomize-controller that others do not share.

use clap::{Args, ValueEnum};

/// Gates that may be named in `--feature-gates`.
pub const GATES: [&str; 12] = [
    "AdditiveCELDependencyCheck",
    "CacheSecretsAndConfigMaps",
    "CancelHealthCheckOnNewRevision",
    "DirectSourceFetch",
    "DisableConfigWatchers",
    "DisableFailFastBehavior",
    "DisableStatusPollerCache",
    "ExternalArtifact",
    "GroupChangeLog",
    "MigrateAPIVersion",
    "ObjectLevelWorkloadIdentity",
    "StrictPostBuildSubstitutions",
];

/// When what others have changed is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriftMode {
    /// At the interval.
    Interval,
    /// At once.
    Watch,
}

/// Flags of kustomize-controller.
#[derive(Debug, Clone, Args)]
pub struct KustomizeFlags {
    /// The number of concurrent server-side apply operations per Kustomization.
    #[arg(long, default_value_t = 4)]
    pub concurrent_ssa: usize,
    /// Disallow remote bases usage in Kustomize overlays.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub no_remote_bases: bool,
    /// When what others have changed or deleted is put back, where the annotation kustomize.toolkit.fluxcd.io/drift does not say.
    #[arg(long, value_enum, default_value = "interval")]
    pub drift: DriftMode,
    /// The share of a Kustomization's objects, such as 50%, beyond which a deletion waits for the annotation
    /// kustomize.toolkit.fluxcd.io/prune-approved with the revision.
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub prune_guard: Option<u8>,
    /// Leave an object that another Kustomization of the same source and revision wants, instead of deleting it.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub prune_release: bool,
    /// Field manager disallowed to perform changes on managed resources.
    #[arg(long)]
    pub override_manager: Vec<String>,
    /// Kinds applied in a stage of their own, as group/Kind, separated by commas.
    #[arg(long, default_value = "")]
    pub custom_apply_stage_kinds: String,
    /// The name of a Secret with age keys that decrypt when an object names none.
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// The name of a ConfigMap that describes Vault instances.
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
    /// Default service account to use for workload identity when decrypting.
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// Default service account to use for workload identity in kubeconfigs.
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
}

/// `50%`, or `50`.
fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().filter(|number| *number <= 100);
    number.ok_or_else(|| format!("{text:?} is not a share from 0% to 100%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_with_or_without_its_sign() {
        assert_eq!((percent("50%"), percent("0"), percent("100%")), (Ok(50), Ok(0), Ok(100)));
        for wrong in ["101%", "-1%", "", "%", "many"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
