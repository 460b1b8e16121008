//! `sluice create source bucket`.

use serde_json::{Map, json};

use crate::command::create::fields::Fields;
use crate::command::create::reference::one_of;
use crate::command::create::{CommonArgs, Credentials, Draft, NameArgs, Told, required};
use crate::error::CliResult;
use crate::kinds::BUCKET;

/// Create or update a Bucket source
///
/// The create source bucket command generates a Bucket resource and waits for it to be downloaded. For Buckets with
/// static authentication, the credentials are stored in a Kubernetes secret.
#[derive(Debug, clap::Args)]
pub struct BucketArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The S3 compatible storage provider name
    #[arg(long, default_value = "generic")]
    #[arg(value_parser = |text: &str| one_of(text, "source bucket provider", &["generic", "aws", "azure", "gcp"]))]
    provider: String,
    /// The bucket name
    #[arg(long)]
    bucket_name: Option<String>,
    /// The bucket endpoint address
    #[arg(long)]
    endpoint: Option<String>,
    /// The bucket access key
    #[arg(long)]
    access_key: Option<String>,
    /// The bucket secret key
    #[arg(long)]
    secret_key: Option<String>,
    /// The bucket region
    #[arg(long)]
    region: Option<String>,
    /// For when connecting to a non-TLS S3 HTTP endpoint
    #[arg(long)]
    insecure: bool,
    /// The name of an existing secret containing credentials
    #[arg(long)]
    secret_ref: Option<String>,
    /// The name of an existing secret containing the proxy address and credentials
    #[arg(long)]
    proxy_secret_ref: Option<String>,
    /// Set paths to ignore in bucket resource (can specify multiple paths with commas: path1,path2)
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
}

impl BucketArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let spec = Fields::default()
            .text("bucketName", required(self.bucket_name.as_ref(), "bucket-name is required")?)
            .text("provider", &self.provider)
            .flag("insecure", self.insecure)
            .text("endpoint", required(self.endpoint.as_ref(), "endpoint is required")?)
            .some_text("region", self.region.as_ref())
            .put("interval", common.interval().to_string())
            .lines("ignore", &self.ignore_paths)
            .named("secretRef", self.secret_ref.as_ref())
            .named("proxySecretRef", self.proxy_secret_ref.as_ref());
        let mut draft = Draft::new(&BUCKET, "Bucket source", Told::Fetched, spec);
        if let (None, Some(access), Some(secret)) = (&self.secret_ref, &self.access_key, &self.secret_key) {
            let keys = [("accesskey", access), ("secretkey", secret)];
            let data: Map<_, _> =
                keys.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
            let secret = format!("bucket-{name}");
            draft.credentials = Some(Credentials { secret, of: "the bucket", data, also: Map::new() });
        }
        Ok((name, draft))
    }
}
