//! Whether what makes an artifact besides the commit is as it was: ignore rules, submodules, sparse folders, includes. Pure.

use sluice_api::meta::Artifact;
use sluice_api::source::git::{GitRepositorySpec, GitRepositoryStatus, GitVerificationMode};

/// Whether the artifact must be built again although the revision is the same.
pub(super) fn is_content_changed(
    spec: &GitRepositorySpec,
    status: &GitRepositoryStatus,
    includes: &[Artifact],
) -> bool {
    spec.ignore != status.observed_ignore
        || spec.recurse_submodules != status.observed_recurse_submodules
        || spec.include != status.observed_include
        || spec.sparse_checkout != status.observed_sparse_checkout
        || is_verification_due(spec, status)
        || are_includes_changed(&status.included_artifacts, includes)
}

/// Whether the included artifacts are others than when the artifact was stored.
pub(super) fn are_includes_changed(stored: &[Artifact], now: &[Artifact]) -> bool {
    stored.len() != now.len()
        || stored
            .iter()
            .zip(now)
            .any(|(old, new)| !old.has_revision(&new.revision) || !old.has_digest(&new.digest))
}

fn is_verification_due(spec: &GitRepositorySpec, status: &GitRepositoryStatus) -> bool {
    use GitVerificationMode::{Head, LegacyHead, Tag, TagAndHead};
    let Some(verification) = &spec.verification else { return false };
    let canonical = |mode: &GitVerificationMode| if *mode == LegacyHead { Head } else { mode.clone() };
    let wanted = verification.mode.as_ref().map_or(Head, canonical);
    match status.source_verification_mode.as_ref().map(canonical) {
        None => true,
        Some(Tag) => matches!(wanted, Head | TagAndHead),
        Some(Head) => matches!(wanted, Tag | TagAndHead),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::meta::LocalObjectReference;
    use sluice_api::source::git::{GitRepositoryInclude, GitRepositoryVerification};

    use super::*;

    fn artifact(digest: &str) -> Artifact {
        Artifact { revision: "main@sha1:1".into(), digest: digest.into(), ..Artifact::default() }
    }

    #[test]
    fn every_input_counts() {
        let spec = GitRepositorySpec::default;
        let same = GitRepositoryStatus::default();
        assert!(!is_content_changed(&spec(), &same, &[]));
        let include = GitRepositoryInclude {
            repository: LocalObjectReference { name: "other".into() },
            ..GitRepositoryInclude::default()
        };
        for changed in [
            GitRepositorySpec { ignore: Some(String::new()), ..spec() },
            GitRepositorySpec { recurse_submodules: true, ..spec() },
            GitRepositorySpec { include: vec![include], ..spec() },
            GitRepositorySpec { sparse_checkout: vec!["a".into()], ..spec() },
            GitRepositorySpec { verification: Some(GitRepositoryVerification::default()), ..spec() },
        ] {
            assert!(is_content_changed(&changed, &same, &[]), "{changed:?}");
        }
    }

    #[test]
    fn another_artifact_of_an_include_counts() {
        assert!(are_includes_changed(&[], &[artifact("a")]));
        assert!(are_includes_changed(&[artifact("a")], &[artifact("b")]));
        assert!(!are_includes_changed(&[artifact("a")], &[artifact("a")]));
    }

    #[test]
    fn a_stricter_verification_is_due() {
        use GitVerificationMode::{Head, LegacyHead, Tag, TagAndHead};
        for (seen, wanted, want) in [
            (Some(Head), Head, false),
            (Some(LegacyHead), Head, false),
            (Some(Head), TagAndHead, true),
            (Some(Tag), Head, true),
            (Some(TagAndHead), Head, false),
            (None, Head, true),
        ] {
            let verification =
                GitRepositoryVerification { mode: Some(wanted), ..GitRepositoryVerification::default() };
            let spec = GitRepositorySpec { verification: Some(verification), ..GitRepositorySpec::default() };
            let status =
                GitRepositoryStatus { source_verification_mode: seen, ..GitRepositoryStatus::default() };
            assert_eq!(is_verification_due(&spec, &status), want);
        }
    }
}
