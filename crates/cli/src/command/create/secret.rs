//! `sluice create secret`: credentials in the form that the controllers read.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::{CommonArgs, NameArgs, required};
use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::{files, print};

/// Create or update Kubernetes secrets
///
/// The create source sub-commands generate Kubernetes secrets specific to Flux.
#[derive(Debug, clap::Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Git(GitArgs),
    Helm(HelmArgs),
    Oci(OciArgs),
    Proxy(ProxyArgs),
    Tls(TlsArgs),
    Githubapp(GithubAppArgs),
}

/// What a Secret is made of.
struct Made<'a> {
    name: &'a str,
    /// What the message calls it.
    called: &'static str,
    secret_type: &'static str,
    data: Fields,
}

pub(super) async fn run(cx: &Cx, common: &CommonArgs, args: &SecretArgs) -> CliResult {
    let made = match &args.what {
        What::Git(args) => args.make()?,
        What::Helm(args) => args.make()?,
        What::Oci(args) => args.make()?,
        What::Proxy(args) => args.make()?,
        What::Tls(args) => args.make()?,
        What::Githubapp(args) => args.make()?,
    };
    let labels = common.labels()?;
    let Value::Object(data) = made.data.into_value() else { return Ok(()) };
    if common.export {
        let secret = manifest(cx, made.name, Some(&labels), data, made.secret_type);
        let document = print::yaml::document(&secret);
        // The reference ends all but this one with an empty line.
        return if made.called == "tls" { cx.ui.print(&document) } else { cx.ui.println(&document) };
    }
    write(cx, made.name, Some(&labels), data, made.secret_type).await?;
    let (called, name, place) = (made.called, made.name, &cx.namespace);
    cx.ui.action(&format!("{called} secret '{name}' created in '{place}' namespace"));
    Ok(())
}

fn manifest(
    cx: &Cx,
    name: &str,
    labels: Option<&Map<String, Value>>,
    data: Map<String, Value>,
    secret_type: &str,
) -> Value {
    let labels = labels.filter(|labels| !labels.is_empty());
    let metadata = Fields::default()
        .text("name", name)
        .text("namespace", &cx.namespace)
        .maybe("labels", labels.cloned());
    Fields::default()
        .text("apiVersion", "v1")
        .text("kind", "Secret")
        .put("metadata", metadata)
        .put("stringData", data)
        .text("type", secret_type)
        .into_value()
}

/// Creates the Secret, or gives the one that is there these values and labels beside what it has.
pub(super) async fn write(
    cx: &Cx,
    name: &str,
    labels: Option<&Map<String, Value>>,
    data: Map<String, Value>,
    secret_type: &str,
) -> CliResult {
    let cluster = cx.cluster().await?;
    let resource = Resource::core("Secret", "secrets");
    let secret = manifest(cx, name, labels, data, secret_type);
    let Some(mut existing) = cluster.find(&resource, &cx.namespace, name).await? else {
        cluster.create(&resource, &cx.namespace, &secret).await?;
        return Ok(());
    };
    existing["stringData"] = secret["stringData"].clone();
    for (key, value) in labels.into_iter().flatten() {
        existing["metadata"]["labels"][key] = value.clone();
    }
    cluster.replace(&resource, &cx.namespace, &existing).await?;
    Ok(())
}

fn read(path: Option<&PathBuf>, otherwise: &str) -> CliResult<Option<String>> {
    let read =
        |path: &Path| files::read_text(path).map_err(|error| CliError::new(format!("{otherwise}: {error}")));
    path.map(|path| read(path)).transpose()
}

/// Create or update a Kubernetes secret for Git authentication
///
/// The create secret git command generates a Kubernetes secret with Git credentials. For Git over HTTP/S, the provided
/// basic authentication credentials or bearer authentication token are stored in the secret.
#[derive(Debug, clap::Args)]
struct GitArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Git address, e.g. https://host/org/repository
    #[arg(long)]
    url: Option<String>,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
    /// Bearer authentication token
    #[arg(long)]
    bearer_token: Option<String>,
    /// Path to TLS CA certificate file used for validating self-signed certificates
    #[arg(long)]
    ca_crt_file: Option<PathBuf>,
}

impl GitArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        let url = required(self.url.as_ref(), "url is required")?;
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "http" | "https" => {}
            "ssh" => {
                return Err(CliError::new("a deploy key for an SSH address is not made here")
                    .hint("create a secret with identity and known_hosts from files of your own"));
            }
            _ => {
                let known = "can be: ssh, http and https";
                return Err(CliError::new(format!("git URL scheme '{scheme}' not supported, {known}")));
            }
        }
        let has_password = self.username.is_some() && self.password.is_some();
        if !has_password && self.bearer_token.is_none() {
            return Err(CliError::new(
                "for Git over HTTP/S the username and password, or a bearer token is required",
            ));
        }
        if has_password && self.bearer_token.is_some() {
            return Err(CliError::new("user credentials and bearer token cannot be used together"));
        }
        let data = Fields::default()
            .some_text("username", self.username.as_ref().filter(|_| has_password))
            .some_text("password", self.password.as_ref().filter(|_| has_password))
            .some_text("bearerToken", self.bearer_token.as_ref())
            .maybe("ca.crt", read(self.ca_crt_file.as_ref(), "unable to read TLS CA file")?);
        Ok(Made { name, called: "git", secret_type: "", data })
    }
}

#[derive(Debug, clap::Args)]
struct CertificateArgs {
    /// TLS authentication cert file path
    #[arg(long)]
    tls_crt_file: Option<PathBuf>,
    /// TLS authentication key file path
    #[arg(long)]
    tls_key_file: Option<PathBuf>,
    /// TLS authentication CA file path
    #[arg(long)]
    ca_crt_file: Option<PathBuf>,
}

impl CertificateArgs {
    fn has_pair(&self) -> bool {
        self.tls_crt_file.is_some() || self.tls_key_file.is_some()
    }

    /// The certificates, and the type of the Secret that holds nothing else.
    fn data(&self) -> CliResult<(Fields, &'static str)> {
        if self.tls_crt_file.is_some() != self.tls_key_file.is_some() {
            return Err(CliError::new("a certificate and its key must be given together"));
        }
        let data = Fields::default()
            .maybe("ca.crt", read(self.ca_crt_file.as_ref(), "unable to read TLS CA file")?)
            .maybe("tls.crt", read(self.tls_crt_file.as_ref(), "failed to read cert file")?)
            .maybe("tls.key", read(self.tls_key_file.as_ref(), "failed to read key file")?);
        Ok((data, if self.has_pair() { "kubernetes.io/tls" } else { "Opaque" }))
    }
}

/// Create or update a Kubernetes secret for Helm repository authentication
///
/// The create secret helm command generates a Kubernetes secret with basic authentication credentials or certificates.
#[derive(Debug, clap::Args)]
struct HelmArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
    #[command(flatten)]
    certificates: CertificateArgs,
}

impl HelmArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        let (mut data, mut secret_type) = self.certificates.data()?;
        let has_name = self.username.is_some() || self.password.is_some();
        if has_name && !self.certificates.has_pair() {
            data = data.text("username", required(self.username.as_ref(), "username is required")?);
            data = data.text("password", required(self.password.as_ref(), "password is required")?);
            secret_type = "kubernetes.io/basic-auth";
        } else if !self.certificates.has_pair() && self.certificates.ca_crt_file.is_none() {
            secret_type = "";
        }
        Ok(Made { name, called: "helm", secret_type, data })
    }
}

/// Create or update a Kubernetes secret with TLS certificates
///
/// The create secret tls command generates a Kubernetes secret with certificates for use with TLS.
#[derive(Debug, clap::Args)]
struct TlsArgs {
    #[command(flatten)]
    name: NameArgs,
    #[command(flatten)]
    certificates: CertificateArgs,
}

impl TlsArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        if !self.certificates.has_pair() && self.certificates.ca_crt_file.is_none() {
            return Err(CliError::new("a certificate with its key, or a CA certificate is required"));
        }
        let (data, secret_type) = self.certificates.data()?;
        Ok(Made { name, called: "tls", secret_type, data })
    }
}

/// Create or update a Kubernetes image pull secret
///
/// The create secret oci command generates a Kubernetes secret that can be used for OCIRepository authentication.
#[derive(Debug, clap::Args)]
struct OciArgs {
    #[command(flatten)]
    name: NameArgs,
    /// OCI repository address e.g ghcr.io/stefanprodan/charts
    #[arg(long)]
    url: Option<String>,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
}

impl OciArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        let url = required(self.url.as_ref(), "--url is required")?;
        let username = required(self.username.as_ref(), "--username is required")?;
        let password = required(self.password.as_ref(), "--password is required")?;
        let quoted = |text: &str| json!(text).to_string();
        let auth = STANDARD.encode(format!("{username}:{password}"));
        // Written by hand for the order of its keys.
        let config = format!(
            "{{\n  \"auths\": {{\n    {}: {{\n      \"username\": {},\n      \"password\": {},\n      \"auth\": {}\n    }}\n  }}\n}}",
            quoted(url),
            quoted(username),
            quoted(password),
            quoted(&auth),
        );
        let data = Fields::default().text(".dockerconfigjson", config);
        Ok(Made { name, called: "oci", secret_type: "kubernetes.io/dockerconfigjson", data })
    }
}

/// Create or update a Kubernetes secret for proxy authentication
///
/// The create secret proxy command generates a Kubernetes secret with the proxy address and the basic authentication
/// credentials.
#[derive(Debug, clap::Args)]
struct ProxyArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Proxy address
    #[arg(long)]
    address: Option<String>,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
}

impl ProxyArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        let data = Fields::default()
            .text("address", required(self.address.as_ref(), "address is required")?)
            .some_text("username", self.username.as_ref())
            .some_text("password", self.password.as_ref());
        Ok(Made { name, called: "proxy", secret_type: "Opaque", data })
    }
}

/// Create or update a github app secret
///
/// The create secret githubapp command generates a Kubernetes secret that can be used for GitRepository authentication
/// with github app.
#[derive(Debug, clap::Args)]
struct GithubAppArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Github app ID
    #[arg(long)]
    app_id: Option<String>,
    /// Github app installation owner (user or organization)
    #[arg(long)]
    app_installation_owner: Option<String>,
    /// Github app installation ID
    #[arg(long)]
    app_installation_id: Option<String>,
    /// Github app private key file path
    #[arg(long)]
    app_private_key: Option<PathBuf>,
    /// Github app base URL
    #[arg(long)]
    app_base_url: Option<String>,
}

impl GithubAppArgs {
    fn make(&self) -> CliResult<Made<'_>> {
        let name = self.name.check()?;
        let key = read(self.app_private_key.as_ref(), "unable to read private key file")?;
        if self.app_installation_owner.is_some() == self.app_installation_id.is_some() {
            return Err(CliError::new(
                "exactly one of githubAppInstallationOwner or githubAppInstallationID must be provided",
            ));
        }
        let data = Fields::default()
            .text("githubAppID", required(self.app_id.as_ref(), "githubAppID is required")?)
            .text("githubAppPrivateKey", required(key.as_ref(), "githubAppPrivateKey is required")?)
            .some_text("githubAppInstallationOwner", self.app_installation_owner.as_ref())
            .some_text("githubAppInstallationID", self.app_installation_id.as_ref())
            .some_text("githubAppBaseURL", self.app_base_url.as_ref());
        Ok(Made { name, called: "githubapp", secret_type: "Opaque", data })
    }
}
