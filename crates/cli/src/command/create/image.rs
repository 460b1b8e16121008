//! `sluice create image`.

use serde_json::json;
use sluice_api::meta::Duration;

use super::fields::Fields;
use super::{CommonArgs, Draft, NameArgs, Told, required};
use crate::error::{CliError, CliResult};
use crate::kinds::{IMAGE_POLICY, IMAGE_REPOSITORY, IMAGE_UPDATE_AUTOMATION};

/// Create or update resources dealing with image automation
///
/// The create image sub-commands work with image automation objects; that is, object controlling updates to git based
/// on e.g., new container images being available.
#[derive(Debug, clap::Args)]
pub struct ImageArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Repository(RepositoryArgs),
    Policy(PolicyArgs),
    Update(UpdateArgs),
}

impl ImageArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        match &self.what {
            What::Repository(args) => args.draft(common),
            What::Policy(args) => args.draft(common),
            What::Update(args) => args.draft(common),
        }
    }
}

/// Create or update an ImageRepository object
///
/// The create image repository command generates an ImageRepository resource. An ImageRepository object specifies an
/// image repository to scan.
#[derive(Debug, clap::Args)]
struct RepositoryArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The image repository to scan; e.g., library/alpine
    #[arg(long)]
    image: Option<String>,
    /// The name of a docker-registry secret to use for credentials
    #[arg(long)]
    secret_ref: Option<String>,
    /// The name of a secret to use for TLS certificates
    #[arg(long)]
    cert_ref: Option<String>,
    /// A timeout for scanning; this defaults to the interval if not set
    #[arg(long, value_name = "DURATION")]
    scan_timeout: Option<Duration>,
}

impl RepositoryArgs {
    fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let spec = Fields::default()
            .text("image", required(self.image.as_ref(), "an image repository (--image) is required")?)
            .put("interval", common.interval().to_string())
            .duration("timeout", self.scan_timeout)
            .named("secretRef", self.secret_ref.as_ref())
            .named("certSecretRef", self.cert_ref.as_ref());
        Ok((name, Draft::new(&IMAGE_REPOSITORY, "ImageRepository", Told::Completed, spec)))
    }
}

/// Create or update an ImagePolicy object
///
/// The create image policy command generates an ImagePolicy resource. An ImagePolicy object calculates a "latest image"
/// given an image repository and a policy, e.g., semver.
#[derive(Debug, clap::Args)]
struct PolicyArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The name of an image repository object
    #[arg(long)]
    image_ref: Option<String>,
    /// A semver range to apply to tags; e.g., '1.x'
    #[arg(long)]
    select_semver: Option<String>,
    /// Use alphabetical sorting to select image; either "asc" meaning select the last, or "desc" meaning select the
    /// first
    #[arg(long)]
    select_alpha: Option<String>,
    /// Use numeric sorting to select image; either "asc" meaning select the last, or "desc" meaning select the first
    #[arg(long)]
    select_numeric: Option<String>,
    /// Regular expression pattern used to filter the image tags
    #[arg(long)]
    filter_regex: Option<String>,
    /// Replacement pattern (using capture groups from --filter-regex) to use for sorting
    #[arg(long)]
    filter_extract: Option<String>,
    /// The digest reflection policy to use when observing latest image tags (one of 'Never', 'IfNotPresent', 'Always')
    #[arg(long)]
    reflect_digest: Option<String>,
}

impl PolicyArgs {
    fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let image = required(
            self.image_ref.as_ref(),
            "the name of an ImageRepository in the namespace is required (--image-ref)",
        )?;
        let policy = self.policy()?;
        if self.filter_extract.is_some() && self.filter_regex.is_none() {
            return Err(CliError::new("cannot specify --filter-extract without specifying --filter-regex"));
        }
        let filter = self.filter_regex.as_ref().map(|pattern| {
            Fields::default().text("pattern", pattern).some_text("extract", self.filter_extract.as_ref())
        });
        let reflection = self.reflect_digest.as_deref().unwrap_or_default();
        if !["", "Never", "IfNotPresent", "Always"].contains(&reflection) {
            return Err(CliError::new(
                "invalid value for --reflect-digest, must be one of 'Never', 'IfNotPresent', 'Always'",
            ));
        }
        if common.interval.is_some() && reflection != "Always" {
            return Err(CliError::new(
                "the --interval flag can only be used with the 'Always' digest reflection policy, use \
                 --reflect-digest=Always",
            ));
        }
        let spec = Fields::default()
            .put("imageRepositoryRef", json!({"name": image}))
            .put("policy", policy)
            .maybe("filterTags", filter)
            .text("digestReflectionPolicy", reflection)
            .duration("interval", common.interval);
        Ok((name, Draft::new(&IMAGE_POLICY, "ImagePolicy", Told::Completed, spec)))
    }

    fn policy(&self) -> CliResult<serde_json::Value> {
        let is_order = |order: &str| ["asc", "desc"].contains(&order);
        match (&self.select_semver, &self.select_alpha, &self.select_numeric) {
            (Some(range), None, None) => Ok(json!({"semver": {"range": range}})),
            (None, Some(order), None) if is_order(order) => Ok(json!({"alphabetical": {"order": order}})),
            (None, None, Some(order)) if is_order(order) => Ok(json!({"numerical": {"order": order}})),
            (None, Some(_), None) => Err(CliError::new(r#"--select-alpha must be one of ["asc", "desc"]"#)),
            (None, None, Some(_)) => Err(CliError::new(r#"--select-numeric must be one of ["asc", "desc"]"#)),
            (None, None, None) => {
                Err(CliError::new("a policy must be provided with either --select-semver or --select-alpha"))
            }
            _ => Err(CliError::new(
                "only one of --select-semver, --select-alpha or --select-numeric can be specified",
            )),
        }
    }
}

/// Create or update an ImageUpdateAutomation object
///
/// The create image update command generates an ImageUpdateAutomation resource. An ImageUpdateAutomation object
/// specifies an automated update to images mentioned in YAMLs in a git repository.
#[derive(Debug, clap::Args)]
struct UpdateArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The name of a GitRepository resource with details of the upstream Git repository
    #[arg(long)]
    git_repo_ref: Option<String>,
    /// The namespace of the GitRepository resource, defaults to the ImageUpdateAutomation namespace
    #[arg(long)]
    git_repo_namespace: Option<String>,
    /// Path to the directory containing the manifests to be updated, defaults to the repository root
    #[arg(long)]
    git_repo_path: Option<String>,
    /// The branch to checkout
    #[arg(long)]
    checkout_branch: Option<String>,
    /// The branch to push commits to, defaults to the checkout branch if not specified
    #[arg(long)]
    push_branch: Option<String>,
    /// A template for commit messages
    #[arg(long)]
    commit_template: Option<String>,
    /// The name to use for commit author
    #[arg(long)]
    author_name: Option<String>,
    /// The email to use for commit author
    #[arg(long)]
    author_email: Option<String>,
    /// Name of the Secret containing the signing key referenced in spec.git.commit.signingKey
    #[arg(long)]
    signing_key_secret: Option<String>,
    /// Signing-key format: gpg or ssh (defaults to gpg when --signing-key-secret is set)
    #[arg(long)]
    signing_key_type: Option<String>,
}

impl UpdateArgs {
    fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let source = Fields::default()
            .text("kind", "GitRepository")
            .text(
                "name",
                required(
                    self.git_repo_ref.as_ref(),
                    "a reference to a GitRepository is required (--git-repo-ref)",
                )?,
            )
            .some_text("namespace", self.git_repo_namespace.as_ref());
        let branch = required(
            self.checkout_branch.as_ref(),
            "the Git repository branch is required (--checkout-branch)",
        )?;
        let author = Fields::default()
            .text("name", required(self.author_name.as_ref(), "the author name is required (--author-name)")?)
            .text(
                "email",
                required(self.author_email.as_ref(), "the author email is required (--author-email)")?,
            );
        let commit = Fields::default()
            .put("author", author)
            .some_text("messageTemplate", self.commit_template.as_ref())
            .maybe("signingKey", self.signing_key()?);
        let git = Fields::default()
            .put("checkout", json!({"ref": {"branch": branch}}))
            .put("commit", commit)
            .maybe("push", self.push_branch.as_ref().map(|branch| json!({"branch": branch})));
        let update = self.git_repo_path.as_ref().map(|path| json!({"path": path, "strategy": "Setters"}));
        let spec = Fields::default()
            .put("sourceRef", source)
            .put("git", git)
            .put("interval", common.interval().to_string())
            .maybe("update", update);
        Ok((name, Draft::new(&IMAGE_UPDATE_AUTOMATION, "ImageUpdateAutomation", Told::Completed, spec)))
    }

    fn signing_key(&self) -> CliResult<Option<Fields>> {
        match (&self.signing_key_secret, self.signing_key_type.as_deref()) {
            (None, Some(_)) => Err(CliError::new("--signing-key-type requires --signing-key-secret")),
            (_, Some(other)) if !["gpg", "ssh"].contains(&other) => {
                Err(CliError::new("--signing-key-type must be one of: gpg, ssh"))
            }
            (None, None) => Ok(None),
            (secret, key_type) => {
                let key = Fields::default().named("secretRef", secret.as_ref());
                Ok(Some(key.text("type", key_type.unwrap_or_default())))
            }
        }
    }
}
