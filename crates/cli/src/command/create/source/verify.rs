//! Flags that say how a source's signatures are verified.

use serde_json::{Value, json};

use crate::command::create::fields::Fields;
use crate::command::create::reference::one_of;
use crate::error::{CliError, CliResult};

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The OCI verification provider (cosign)
    #[arg(long, value_parser = |text: &str| one_of(text, "source OCI verify provider", &["cosign"]))]
    verify_provider: Option<String>,
    /// The name of a secret to use for signature verification
    #[arg(long)]
    verify_secret_ref: Option<String>,
    /// Regular expression to use for the OIDC subject during signature verification
    #[arg(long)]
    verify_subject: Option<String>,
    /// Regular expression to use for the OIDC issuer during signature verification
    #[arg(long)]
    verify_issuer: Option<String>,
}

impl VerifyArgs {
    /// The field `verify`, where asked for.
    pub fn verification(&self) -> CliResult<Option<Value>> {
        let has_identity = self.verify_issuer.is_some() || self.verify_subject.is_some();
        let Some(provider) = &self.verify_provider else {
            return match (&self.verify_secret_ref, has_identity) {
                (Some(_), _) => {
                    Err(CliError::new("a verification provider must be specified when a secret is specified"))
                }
                (None, true) => Err(CliError::new(
                    "a verification provider must be specified when OIDC issuer/subject is specified",
                )),
                (None, false) => Ok(None),
            };
        };
        let identity = json!({
            "issuer": self.verify_issuer.clone().unwrap_or_default(),
            "subject": self.verify_subject.clone().unwrap_or_default(),
        });
        let verification = Fields::default()
            .text("provider", provider)
            .named("secretRef", self.verify_secret_ref.as_ref())
            .list("matchOIDCIdentity", if has_identity { vec![identity] } else { Vec::new() });
        Ok(Some(verification.into_value()))
    }
}
