//! `sluice create source git`.

use std::path::PathBuf;

use serde_json::{Map, json};

use super::scheme;
use crate::command::create::fields::Fields;
use crate::command::create::reference::one_of;
use crate::command::create::{CommonArgs, Credentials, Draft, NameArgs, Told, required};
use crate::error::{CliError, CliResult};
use crate::files;
use crate::kinds::GIT_REPOSITORY;

/// Create or update a GitRepository source
///
/// The create source git command generates a GitRepository resource and waits for it to sync. For private Git
/// repositories over HTTP/S the credentials given are stored in a Secret of the source's name.
#[derive(Debug, clap::Args)]
pub struct GitArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Git address, e.g. ssh://git@host/org/repository
    #[arg(long)]
    url: Option<String>,
    /// Git branch
    #[arg(long)]
    branch: Option<String>,
    /// Git tag
    #[arg(long)]
    tag: Option<String>,
    /// Git tag semver range
    #[arg(long)]
    tag_semver: Option<String>,
    /// Git reference name
    #[arg(long)]
    ref_name: Option<String>,
    /// Git commit
    #[arg(long)]
    commit: Option<String>,
    /// Basic authentication username
    #[arg(long, short)]
    username: Option<String>,
    /// Basic authentication password
    #[arg(long, short)]
    password: Option<String>,
    /// The name of an existing secret containing SSH or basic credentials or github app authentication
    #[arg(long)]
    secret_ref: Option<String>,
    /// The name of an existing secret containing the proxy address and credentials
    #[arg(long)]
    proxy_secret_ref: Option<String>,
    /// The Git provider name
    #[arg(long, value_parser = |text: &str| one_of(text, "source Git provider", &["generic", "github", "aws", "azure"]))]
    provider: Option<String>,
    /// Path to TLS CA file used for validating self-signed certificates
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// When enabled, configures the GitRepository source to initialize and include Git submodules in the artifact it
    /// produces
    #[arg(long)]
    recurse_submodules: bool,
    /// Assumes the deploy key is already setup, skips confirmation
    #[arg(long, short)]
    silent: bool,
    /// Set paths to ignore in git resource (can specify multiple paths with commas: path1,path2)
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// Set paths to sparse checkout in git resource (can specify multiple paths with commas: path1,path2)
    #[arg(long, value_delimiter = ',')]
    sparse_checkout_paths: Vec<String>,
}

impl GitArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let url = required(self.url.as_ref(), "url is required")?;
        let scheme = scheme(url)?;
        if !["ssh", "http", "https"].contains(&scheme) {
            let text = format!("git URL scheme '{scheme}' not supported, can be: ssh, http and https");
            return Err(CliError::new(text));
        }
        let reference = self.reference()?;
        if self.ca_file.is_some() && scheme == "ssh" {
            return Err(CliError::new("specifying a CA file is not supported for Git over SSH"));
        }
        let spec = Fields::default()
            .text("url", url)
            .put("interval", common.interval().to_string())
            .flag("recurseSubmodules", self.recurse_submodules)
            .put("ref", reference)
            .lines("ignore", &self.ignore_paths)
            .texts("sparseCheckout", &self.sparse_checkout_paths)
            .named("secretRef", self.secret_ref.as_ref())
            .named("proxySecretRef", self.proxy_secret_ref.as_ref())
            .some_text("provider", self.provider.as_ref());
        let mut draft = Draft::new(&GIT_REPOSITORY, "GitRepository source", Told::Fetched, spec);
        if self.secret_ref.is_none() && !common.export {
            if scheme == "ssh" {
                return Err(CliError::new("a deploy key for an SSH address is not made here")
                    .hint("create a secret with identity and known_hosts, and name it with --secret-ref"));
            }
            draft.warning = (scheme == "http")
                .then_some("insecure configuration: credentials configured for an HTTP URL");
            draft.credentials = self.credentials(name, scheme)?;
        }
        Ok((name, draft))
    }

    /// The most exact of the references given; a commit keeps its branch.
    fn reference(&self) -> CliResult<Fields> {
        let of = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let reference = Fields::default();
        if let Some(commit) = of(&self.commit) {
            return Ok(reference.text("commit", commit).some_text("branch", self.branch.as_ref()));
        }
        let by = [
            ("name", of(&self.ref_name)),
            ("semver", of(&self.tag_semver)),
            ("tag", of(&self.tag)),
            ("branch", of(&self.branch)),
        ];
        let by = by.into_iter().find_map(|(key, value)| Some((key, value?)));
        let (key, value) = by.ok_or_else(|| {
            CliError::new(
                "a Git ref is required, use one of the following: --branch, --tag, --commit, --ref-name or --tag-semver",
            )
        })?;
        Ok(reference.text(key, value))
    }

    fn credentials(&self, name: &str, scheme: &str) -> CliResult<Option<Credentials>> {
        let mut data = Map::new();
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            data.insert("username".to_owned(), json!(username));
            data.insert("password".to_owned(), json!(password));
        }
        if let Some(path) = self.ca_file.as_ref().filter(|_| scheme == "https") {
            let text = files::read_text(path)
                .map_err(|error| CliError::new(format!("unable to read TLS CA file: {error}")))?;
            data.insert("ca.crt".to_owned(), json!(text));
        }
        let secret = name.to_owned();
        Ok((!data.is_empty()).then_some(Credentials { secret, of: "repository", data, also: Map::new() }))
    }
}
