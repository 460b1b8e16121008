//! What may be typed after `sluice helm`: Helm's commands and flags. Flags that only matter to a cluster or a network are
//! taken where Helm ignores them here, too.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Work with Helm charts without Helm
#[derive(Debug, Parser)]
#[command(name = "helm", disable_help_subcommand = true)]
pub struct HelmCli {
    #[command(subcommand)]
    pub command: HelmCommand,
    #[command(flatten)]
    pub global: Global,
}

/// As `HelmCli`, of the one command that runs most.
#[derive(Debug, Parser)]
#[command(name = "helm", disable_help_subcommand = true)]
pub struct TemplateCli {
    #[command(subcommand)]
    pub command: TemplateCommand,
    #[command(flatten)]
    pub global: Global,
}

#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    Template(Box<TemplateArgs>),
}

#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Global Options")]
pub struct Global {
    /// namespace scope for this request
    #[arg(long, short, global = true, env = "HELM_NAMESPACE")]
    pub namespace: Option<String>,
    /// enable verbose output
    #[arg(long, global = true)]
    pub debug: bool,
    /// path to the kubeconfig file
    #[arg(long, global = true, env = "KUBECONFIG", hide_env_values = true)]
    pub kubeconfig: Option<String>,
    /// name of the kubeconfig context to use
    #[arg(long, global = true, env = "HELM_KUBECONTEXT")]
    pub kube_context: Option<String>,
    #[command(flatten)]
    unused: UnusedGlobal,
}

/// Nothing here talks to a cluster.
#[derive(Debug, Args, Default)]
struct UnusedGlobal {
    #[arg(long, global = true, hide = true)]
    burst_limit: Option<i64>,
    #[arg(long, alias = "colour", global = true, hide = true)]
    color: Option<String>,
    #[arg(long, global = true, hide = true)]
    content_cache: Option<String>,
    #[arg(long, global = true, hide = true)]
    kube_apiserver: Option<String>,
    #[arg(long, global = true, hide = true)]
    kube_as_group: Vec<String>,
    #[arg(long, global = true, hide = true)]
    kube_as_user: Option<String>,
    #[arg(long, global = true, hide = true)]
    kube_ca_file: Option<String>,
    #[arg(long, global = true, hide = true)]
    kube_insecure_skip_tls_verify: bool,
    #[arg(long, global = true, hide = true)]
    kube_tls_server_name: Option<String>,
    #[arg(long, global = true, hide = true)]
    kube_token: Option<String>,
    #[arg(long, global = true, hide = true)]
    qps: Option<f32>,
    #[arg(long, global = true, hide = true)]
    registry_config: Option<String>,
    #[arg(long, global = true, hide = true)]
    repository_cache: Option<String>,
    #[arg(long, global = true, hide = true)]
    repository_config: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum HelmCommand {
    /// Locally render templates
    Template(Box<TemplateArgs>),
    /// Examine a chart for possible issues
    Lint(LintArgs),
    /// Show information of a chart
    #[command(visible_alias = "inspect")]
    Show {
        #[command(subcommand)]
        part: ShowPart,
    },
    /// Manage a chart's dependencies
    #[command(visible_aliases = ["dep", "dependencies"])]
    Dependency {
        #[command(subcommand)]
        command: DependencyCommand,
    },
    /// Package a chart directory into a chart archive
    Package(PackageArgs),
    /// Verify that a chart at the given path has been signed and is valid
    Verify(VerifyArgs),
    /// Merge values as a HelmRelease does: files, and values put at a path
    GetValues(GetValuesArgs),
    /// Tell where a line or a field of the output comes from
    Explain(Box<ExplainArgs>),
}

/// Where a chart would be fetched from; refused where it would be.
#[derive(Debug, Args, Default)]
pub struct FetchArgs {
    /// chart repository url where to locate the requested chart
    #[arg(long)]
    pub repo: Option<String>,
    /// verify the package before using it
    #[arg(long)]
    pub verify: bool,
    /// a version constraint; a local chart has one version
    #[arg(long)]
    pub version: Option<String>,
    #[arg(long, hide = true)]
    ca_file: Option<String>,
    #[arg(long, hide = true)]
    cert_file: Option<String>,
    #[arg(long, hide = true)]
    devel: bool,
    #[arg(long, hide = true)]
    insecure_skip_tls_verify: bool,
    #[arg(long, hide = true)]
    key_file: Option<String>,
    #[arg(long, hide = true)]
    pub keyring: Option<String>,
    #[arg(long, hide = true)]
    pass_credentials: bool,
    #[arg(long, hide = true)]
    password: Option<String>,
    #[arg(long, hide = true)]
    plain_http: bool,
    #[arg(long, hide = true)]
    username: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum ShowPart {
    /// Show all information of the chart
    All(ShowArgs),
    /// Show the chart's definition
    Chart(ShowArgs),
    /// Show the chart's values
    Values {
        #[command(flatten)]
        args: ShowArgs,
        /// supply a JSONPath expression to filter the output
        #[arg(long)]
        jsonpath: Option<String>,
    },
    /// Show the chart's README
    Readme(ShowArgs),
    /// Show the chart's CRDs
    Crds(ShowArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "CHART")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub fetch: FetchArgs,
}

#[derive(Debug, Subcommand)]
pub enum DependencyCommand {
    /// List the dependencies for the given chart
    #[command(visible_alias = "ls")]
    List {
        #[arg(value_name = "CHART")]
        words: Vec<String>,
        /// maximum column width for output table
        #[arg(long, default_value_t = 80)]
        max_col_width: usize,
    },
    /// Rebuild the charts/ directory based on the Chart.lock file
    Build(DependencyArgs),
    /// Update charts/ based on the contents of Chart.yaml
    #[command(visible_alias = "up")]
    Update(DependencyArgs),
}

#[derive(Debug, Args)]
pub struct DependencyArgs {
    #[arg(value_name = "CHART")]
    pub words: Vec<String>,
    /// do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
    #[command(flatten)]
    pub fetch: FetchArgs,
}

#[derive(Debug, Args, Default)]
pub struct ValueArgs {
    /// specify values in a YAML file (can specify multiple)
    #[arg(long = "values", short = 'f', value_delimiter = ',')]
    pub values: Vec<String>,
    /// set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)
    #[arg(long, allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// set STRING values on the command line
    #[arg(long, allow_hyphen_values = true)]
    pub set_string: Vec<String>,
    /// set JSON values on the command line
    #[arg(long, allow_hyphen_values = true)]
    pub set_json: Vec<String>,
    /// set values from respective files specified via the command line
    #[arg(long, allow_hyphen_values = true)]
    pub set_file: Vec<String>,
    /// set a literal STRING value on the command line
    #[arg(long, allow_hyphen_values = true)]
    pub set_literal: Vec<String>,
}

/// What changes what is rendered.
#[derive(Debug, Args, Default)]
pub struct RenderArgs {
    #[command(flatten)]
    pub values: ValueArgs,
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// generate the name (and omit the NAME parameter)
    #[arg(long, short)]
    pub generate_name: bool,
    /// specify template used to name the release
    #[arg(long)]
    pub name_template: Option<String>,
    /// Kubernetes version used for Capabilities.KubeVersion
    #[arg(long)]
    pub kube_version: Option<String>,
    /// Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)
    #[arg(long, short, value_delimiter = ',')]
    pub api_versions: Vec<String>,
    /// include CRDs in the templated output
    #[arg(long)]
    pub include_crds: bool,
    /// set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    pub is_upgrade: bool,
    /// skip tests from templated output
    #[arg(long)]
    pub skip_tests: bool,
    /// prevent hooks from running during install
    #[arg(long)]
    pub no_hooks: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// enable DNS lookups when rendering templates
    #[arg(long)]
    pub enable_dns: bool,
    /// update dependencies if they are missing before installing the chart
    #[arg(long)]
    pub dependency_update: bool,
}

#[derive(Debug, Args, Default)]
pub struct TemplateArgs {
    #[arg(value_name = "NAME CHART")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub render: RenderArgs,
    /// only show manifests rendered from the given templates
    #[arg(long, short)]
    pub show_only: Vec<String>,
    /// writes the executed templates to files in output-dir instead of stdout
    #[arg(long)]
    pub output_dir: Option<PathBuf>,
    /// use release name in the output-dir path
    #[arg(long)]
    pub release_name: bool,
    /// ask the server; not possible here
    #[arg(long)]
    pub validate: bool,
    /// must be "client" here
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "unset")]
    pub dry_run: Option<String>,
    /// plugins are not run here
    #[arg(long)]
    pub post_renderer: Option<String>,
    #[arg(long, allow_hyphen_values = true, hide = true)]
    post_renderer_args: Vec<String>,
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, alias = "force", hide = true)]
    force_replace: bool,
    #[arg(long, short, hide = true)]
    pub labels: Vec<String>,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, alias = "atomic", hide = true)]
    rollback_on_failure: bool,
    #[arg(long, hide = true)]
    server_side: bool,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    take_ownership: bool,
    #[arg(long, hide = true, default_value = "5m0s")]
    pub(super) timeout: sluice_api::meta::Duration,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "watcher")]
    pub wait: Option<String>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
}

#[derive(Debug, Args)]
pub struct LintArgs {
    #[arg(value_name = "PATH")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub values: ValueArgs,
    /// fail on lint warnings
    #[arg(long)]
    pub strict: bool,
    /// print only warnings and errors
    #[arg(long)]
    pub quiet: bool,
    /// lint dependent charts
    #[arg(long)]
    pub with_subcharts: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Kubernetes version used for capabilities and deprecation checks
    #[arg(long)]
    pub kube_version: Option<String>,
}

#[derive(Debug, Args)]
pub struct PackageArgs {
    #[arg(value_name = "CHART_PATH")]
    pub words: Vec<String>,
    /// location to write the chart
    #[arg(long, short, default_value = ".")]
    pub destination: PathBuf,
    /// set the appVersion on the chart to this version
    #[arg(long)]
    pub app_version: Option<String>,
    /// update dependencies from "Chart.yaml" to dir "charts/" before packaging
    #[arg(long, short = 'u')]
    pub dependency_update: bool,
    /// use a PGP private key to sign this package; not possible here
    #[arg(long)]
    pub sign: bool,
    /// name of the key to use when signing
    #[arg(long)]
    pub key: Option<String>,
    #[arg(long, hide = true)]
    passphrase_file: Option<String>,
    #[command(flatten)]
    pub fetch: FetchArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[arg(value_name = "PATH")]
    pub words: Vec<String>,
    /// keyring containing public keys
    #[arg(long)]
    pub keyring: Option<String>,
}

#[derive(Debug, Args)]
pub struct GetValuesArgs {
    #[command(flatten)]
    pub values: ValueArgs,
    /// a file merged over what was there before, in this order; FILE@PATH puts the whole content at a path
    #[arg(long = "from", value_name = "FILE[@PATH]")]
    pub from: Vec<String>,
    /// put content at a path as text, not as YAML would read it
    #[arg(long)]
    pub literal: bool,
    /// yaml or json
    #[arg(long, short, default_value = "yaml")]
    pub output: String,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[arg(value_name = "CHART PATH")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub render: RenderArgs,
    /// the name of the release
    #[arg(long, default_value = "release-name")]
    pub name: String,
}
