//! How a GitRepository gets at its remote: its Secrets, its proxy, its provider.

use sluice_api::GitRepository;
use sluice_api::meta::reason;
use sluice_git::Auth;
use sluice_net::{Proxy, SecretData, Url};
use sluice_runtime::failure::chain;
use sluice_runtime::{Draft, Failure, Next};

use super::{Git, fetch_failed, parse_url};
use crate::secret;

/// Where to, and as whom.
pub(super) struct Login {
    pub(super) from: Url,
    pub(super) auth: Auth,
    pub(super) proxy: Option<Proxy>,
}

impl Git {
    /// Reads what the spec names.
    pub(super) async fn log_in(&self, draft: &mut Draft<GitRepository>) -> Result<Login, Failure> {
        let object = draft.object().clone();
        let spec = &object.spec;
        let namespace = object.metadata.namespace.as_str();
        let proxy = match &spec.proxy_secret_ref {
            Some(secret) => Some(self.read_proxy(draft, namespace, &secret.name).await?),
            None => None,
        };
        let url = parse_url(draft, &spec.url)?;
        let data = match &spec.secret_ref {
            Some(secret) => self.read_secret(draft, namespace, &secret.name).await?,
            None => SecretData::default(),
        };
        let mut auth = Auth::read(&url, &data).map_err(|error| {
            let message = format!("failed to configure authentication options: {}", chain(&error));
            fetch_failed(draft, reason::AUTHENTICATION_FAILED, message, Next::Backoff)
        })?;
        let secret = spec.secret_ref.as_ref().map(|secret| format!("{namespace}/{}", secret.name));
        if auth.lacks_passphrase() {
            let message = format!(
                "SSH identity key is encrypted but no 'password' field was provided in the secret '{}'",
                secret.unwrap_or_default()
            );
            return Err(fetch_failed(draft, reason::AUTHENTICATION_FAILED, message, Next::Backoff));
        }
        self.check_provider(draft, &data, secret.as_deref())?;
        let mut from = url;
        if let Some(to) = self.flags.rewritten(&spec.url) {
            from = parse_url(draft, to)?;
            auth = Auth::read(&from, &SecretData::default()).map_err(|error| {
                fetch_failed(draft, reason::AUTHENTICATION_FAILED, chain(&error), Next::Backoff)
            })?;
        }
        Ok(Login { from, auth, proxy })
    }

    /// Cloud providers give credentials of their own; none of them is there yet.
    fn check_provider(
        &self,
        draft: &mut Draft<GitRepository>,
        data: &SecretData,
        secret: Option<&str>,
    ) -> Result<(), Failure> {
        let spec = draft.object().spec.clone();
        let invalid = reason::INVALID_PROVIDER_CONFIGURATION;
        match spec.provider.as_str() {
            "" | "generic" => {
                if data.bytes("githubAppID").is_empty() {
                    return Ok(());
                }
                let message = format!(
                    "secretRef '{}' has github app data but provider is not set to github",
                    secret.unwrap_or_default()
                );
                Err(fetch_failed(draft, invalid, message, Next::Backoff))
            }
            "github" if spec.secret_ref.is_none() || data.bytes("githubAppID").is_empty() => {
                let message =
                    "secretRef with github app data must be specified when provider is set to github"
                        .to_owned();
                let next = if spec.secret_ref.is_none() { Next::Stalled } else { Next::Backoff };
                Err(fetch_failed(draft, invalid, message, next))
            }
            "aws" | "azure"
                if !spec.service_account_name.is_empty()
                    && !self.common.gate("ObjectLevelWorkloadIdentity", false) =>
            {
                let message = "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller".to_owned();
                Err(fetch_failed(draft, reason::FEATURE_GATE_DISABLED, message, Next::Stalled))
            }
            provider => {
                let message = format!("provider '{provider}' is not supported by this version of Sluice");
                Err(fetch_failed(draft, invalid, message, Next::Stalled))
            }
        }
    }

    async fn read_secret(
        &self,
        draft: &mut Draft<GitRepository>,
        namespace: &str,
        name: &str,
    ) -> Result<SecretData, Failure> {
        secret::read(&self.cluster, namespace, name).await.map_err(|error| {
            // Said twice, as upstream does.
            let words = format!("failed to get secret '{namespace}/{name}'");
            let message = format!("{words}: {words}: {}", chain(&error));
            fetch_failed(draft, reason::AUTHENTICATION_FAILED, message, Next::Backoff)
        })
    }

    async fn read_proxy(
        &self,
        draft: &mut Draft<GitRepository>,
        namespace: &str,
        name: &str,
    ) -> Result<Proxy, Failure> {
        let secret = format!("{namespace}/{name}");
        let words = match secret::read(&self.cluster, namespace, name).await {
            Ok(data) => match data.proxy(&secret) {
                Ok(proxy) => return Ok(proxy),
                Err(error) => error.to_string(),
            },
            Err(error) if error.is_not_found() => format!("secret '{secret}' not found"),
            Err(error) => format!("failed to get secret '{secret}': {}", chain(&error)),
        };
        let message = format!("failed to configure proxy options: {words}");
        Err(fetch_failed(draft, reason::AUTHENTICATION_FAILED, message, Next::Backoff))
    }
}
