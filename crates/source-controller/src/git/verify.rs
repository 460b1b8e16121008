//! Whether a commit or tag carries the signature that the spec asks for.

use sluice_api::GitRepository;
use sluice_api::meta::{ConditionStatus, condition_type, reason};
use sluice_git::Checkout;
use sluice_runtime::failure::chain;
use sluice_runtime::{Draft, Failure, Next};

use super::{Git, failing};
use crate::secret;

impl Git {
    /// Refuses what cannot be verified.
    pub(super) async fn verify(
        &self,
        draft: &mut Draft<GitRepository>,
        _checkout: &Checkout,
    ) -> Result<(), Failure> {
        let object = draft.object().clone();
        let Some(verification) = &object.spec.verification else {
            draft.status_mut().source_verification_mode = None;
            draft.forget(condition_type::SOURCE_VERIFIED);
            return Ok(());
        };
        let namespace = &object.metadata.namespace;
        let message = match secret::read(&self.cluster, namespace, &verification.secret_ref.name).await {
            Ok(_) => "signatures of commits and tags cannot be verified by this version of Sluice".to_owned(),
            Err(error) => format!("public keys secret error: {}", chain(&error)),
        };
        let failure = Failure::new(reason::VERIFICATION_ERROR, message, Next::Backoff);
        Err(failing(draft, condition_type::SOURCE_VERIFIED, ConditionStatus::False, failure))
    }
}
