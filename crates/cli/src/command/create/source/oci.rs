//! `sluice create source oci`.

use serde_json::{Value, json};

use super::verify::VerifyArgs;
use crate::command::create::fields::Fields;
use crate::command::create::reference::one_of;
use crate::command::create::{CommonArgs, Draft, Generating, NameArgs, Told, required};
use crate::error::{CliError, CliResult};
use crate::kinds::OCI_REPOSITORY;

/// Create or update an OCIRepository
///
/// The create source oci command generates an OCIRepository resource and waits for it to be ready.
#[derive(Debug, clap::Args)]
pub struct OciArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The OCI repository URL
    #[arg(long)]
    url: Option<String>,
    /// The OCI artifact tag
    #[arg(long)]
    tag: Option<String>,
    /// The OCI artifact tag semver range
    #[arg(long)]
    tag_semver: Option<String>,
    /// The OCI artifact digest
    #[arg(long)]
    digest: Option<String>,
    /// The name of the Kubernetes image pull secret (type 'kubernetes.io/dockerconfigjson')
    #[arg(long)]
    secret_ref: Option<String>,
    /// The name of an existing secret containing the proxy address and credentials
    #[arg(long)]
    proxy_secret_ref: Option<String>,
    /// The name of the Kubernetes service account that refers to an image pull secret
    #[arg(long)]
    service_account: Option<String>,
    /// The name of a secret to use for TLS certificates
    #[arg(long)]
    cert_ref: Option<String>,
    /// The OCI provider name
    #[arg(long, default_value = "generic")]
    #[arg(value_parser = |text: &str| one_of(text, "source OCI provider", &["generic", "aws", "azure", "gcp"]))]
    provider: String,
    #[command(flatten)]
    verify: VerifyArgs,
    /// Set paths to ignore resources (can specify multiple paths with commas: path1,path2)
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// For when connecting to a non-TLS registries over plain HTTP
    #[arg(long)]
    insecure: bool,
    /// The OCI artifact layer selector in the format '<media-type>:<operation>'
    #[arg(long)]
    layer_selector: Option<String>,
}

impl OciArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let url = required(self.url.as_ref(), "url is required")?;
        if self.tag.is_none() && self.tag_semver.is_none() && self.digest.is_none() {
            return Err(CliError::new("--tag, --tag-semver or --digest is required"));
        }
        let reference = Fields::default()
            .some_text("digest", self.digest.as_ref())
            .some_text("semver", self.tag_semver.as_ref())
            .some_text("tag", self.tag.as_ref());
        let spec = Fields::default()
            .text("provider", &self.provider)
            .text("url", url)
            .flag("insecure", self.insecure)
            .put("interval", common.interval().to_string())
            .put("ref", reference)
            .lines("ignore", &self.ignore_paths)
            .maybe("layerSelector", self.layer_selector.as_deref().map(layer_selector).transpose()?)
            .some_text("serviceAccountName", self.service_account.as_ref())
            .named("secretRef", self.secret_ref.as_ref())
            .named("proxySecretRef", self.proxy_secret_ref.as_ref())
            .named("certSecretRef", self.cert_ref.as_ref())
            .maybe("verify", self.verify.verification()?);
        let mut draft = Draft::new(&OCI_REPOSITORY, "OCIRepository", Told::Fetched, spec);
        draft.generating = Generating::Never;
        Ok((name, draft))
    }
}

fn layer_selector(text: &str) -> CliResult<Value> {
    let halves = text.split_once(':').filter(|(kind, operation)| !kind.is_empty() && !operation.is_empty());
    let (media_type, operation) = halves.ok_or_else(|| {
        let form = "must be in the format '<media-type>:<operation>'";
        CliError::new(format!("invalid --layer-selector {text:?}: {form}"))
    })?;
    if !["extract", "copy"].contains(&operation) {
        let known = r#"operation must be "extract" or "copy""#;
        return Err(CliError::new(format!("invalid --layer-selector {text:?}: {known}")));
    }
    Ok(json!({"mediaType": media_type, "operation": operation}))
}
