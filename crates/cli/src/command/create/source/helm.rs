//! `sluice create source helm`.

use std::path::PathBuf;

use serde_json::{Map, json};

use super::scheme;
use crate::command::create::fields::Fields;
use crate::command::create::{CommonArgs, Credentials, Draft, NameArgs, Told, required};
use crate::error::{CliError, CliResult};
use crate::files;
use crate::kinds::HELM_REPOSITORY;

/// Create or update a HelmRepository source
///
/// The create source helm command generates a HelmRepository resource and waits for it to fetch the index. For private
/// Helm repositories, the basic authentication credentials are stored in a Kubernetes secret.
#[derive(Debug, clap::Args)]
pub struct HelmArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Helm repository address
    #[arg(long)]
    url: Option<String>,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
    /// TLS authentication cert file path
    #[arg(long)]
    cert_file: Option<PathBuf>,
    /// TLS authentication key file path
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// TLS authentication CA file path
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// The name of an existing secret containing TLS, basic auth or docker-config credentials
    #[arg(long)]
    secret_ref: Option<String>,
    /// OCI provider for authentication
    #[arg(long)]
    oci_provider: Option<String>,
    /// Pass credentials to all domains
    #[arg(long)]
    pass_credentials: bool,
}

impl HelmArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let url = required(self.url.as_ref(), "url is required")?;
        let scheme = scheme(url)?;
        if !["http", "https", "oci"].contains(&scheme) {
            let text = format!("url scheme '{scheme}' not supported, can be: http, https and oci");
            return Err(CliError::new(text));
        }
        let after_scheme = url[scheme.len() + 1..].trim_start_matches('/');
        if after_scheme.is_empty() {
            return Err(CliError::new("url host is required"));
        }
        let is_oci = scheme == "oci";
        let mut spec = Fields::default()
            .text("url", url)
            .put("interval", common.interval().to_string())
            .text("type", if is_oci { "oci" } else { "" })
            .some_text("provider", self.oci_provider.as_ref().filter(|_| is_oci))
            .named("secretRef", self.secret_ref.as_ref());
        if self.secret_ref.is_some() {
            spec = spec.flag("passCredentials", self.pass_credentials);
        }
        let mut draft = Draft::new(&HELM_REPOSITORY, "HelmRepository source", Told::Fetched, spec);
        if self.secret_ref.is_none() && !common.export {
            draft.credentials = self.credentials(name)?;
        }
        Ok((name, draft))
    }

    fn credentials(&self, name: &str) -> CliResult<Option<Credentials>> {
        let mut data = Map::new();
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            data.insert("username".to_owned(), json!(username));
            data.insert("password".to_owned(), json!(password));
        }
        let mut take = |key: &str, path: &PathBuf, what: &str| {
            let text = files::read_text(path).map_err(|error| CliError::new(format!("{what}: {error}")))?;
            data.insert(key.to_owned(), json!(text));
            Ok::<_, CliError>(())
        };
        if let Some(path) = &self.ca_file {
            take("ca.crt", path, "unable to read TLS CA file")?;
        }
        if let (Some(certificate), Some(key)) = (&self.cert_file, &self.key_file) {
            take("tls.crt", certificate, "failed to read cert file")?;
            take("tls.key", key, "failed to read key file")?;
        }
        let mut also = Map::new();
        if self.pass_credentials {
            also.insert("passCredentials".to_owned(), json!(true));
        }
        let secret = format!("helm-{name}");
        Ok((!data.is_empty()).then_some(Credentials { secret, of: "repository", data, also }))
    }
}
