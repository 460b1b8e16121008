//! `sluice create`: writes an object from flags, or prints it, and waits until its controller is done with it.

pub mod fields;
mod helmrelease;
mod image;
mod kustomization;
mod notification;
mod reference;
mod secret;
mod source;

use serde_json::{Map, Value, json};
use sluice_api::meta::Duration;

use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::Kind;
use crate::object::text;
use crate::{print, readiness};
use fields::Fields;

/// Create or update sources and resources
///
/// The create sub-commands generate sources and resources.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
struct CommonArgs {
    /// Source sync interval [default: 1m0s]
    #[arg(long, global = true, value_name = "DURATION")]
    interval: Option<Duration>,
    /// Export in YAML format to stdout
    #[arg(long, global = true)]
    export: bool,
    /// Set labels on the resource (can specify multiple labels with commas: label1=value1,label2=value2)
    #[arg(long, global = true, value_delimiter = ',', value_name = "KEY=VALUE")]
    label: Vec<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Source(Box<source::SourceArgs>),
    #[command(visible_alias = "ks")]
    Kustomization(Box<kustomization::KustomizationArgs>),
    #[command(visible_alias = "hr")]
    Helmrelease(Box<helmrelease::HelmReleaseArgs>),
    Image(image::ImageArgs),
    Receiver(notification::ReceiverArgs),
    Alert(notification::AlertArgs),
    AlertProvider(notification::AlertProviderArgs),
    Secret(secret::SecretArgs),
}

/// The object's name; what follows it is not looked at.
#[derive(Debug, clap::Args)]
struct NameArgs {
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl NameArgs {
    fn check(&self) -> CliResult<&str> {
        let name = self.names.first().ok_or_else(|| CliError::new("name is required"))?;
        if name.len() < 2 || !crate::connect::is_dns_label(name) {
            return Err(CliError::new(format!(
                "name '{name}' is invalid, it should adhere to standard defined in RFC 1123, the name can only \
                 contain alphanumeric characters or '-'"
            )));
        }
        Ok(name)
    }
}

/// The value of a flag that must be given.
fn required<'a>(value: Option<&'a String>, otherwise: &str) -> CliResult<&'a str> {
    let value = value.map(String::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| CliError::new(otherwise))
}

impl CommonArgs {
    fn interval(&self) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(60))
    }

    fn labels(&self) -> CliResult<Map<String, Value>> {
        let mut labels = Map::new();
        for label in &self.label {
            let (key, value) = label
                .split_once('=')
                .filter(|(_, value)| !value.contains('='))
                .ok_or_else(|| CliError::new(format!("invalid label format '{label}', must be key=value")))?;
            labels.insert(key.to_owned(), json!(value));
        }
        Ok(labels)
    }
}

pub async fn run(cx: &Cx, args: CreateArgs) -> CliResult {
    let common = &args.common;
    let (name, draft) = match &args.what {
        What::Secret(args) => return secret::run(cx, common, args).await,
        What::Source(args) => args.draft(common)?,
        What::Kustomization(args) => args.draft(common)?,
        What::Helmrelease(args) => args.draft(common)?,
        What::Image(args) => args.draft(common)?,
        What::Receiver(args) => args.draft()?,
        What::Alert(args) => args.draft()?,
        What::AlertProvider(args) => args.draft()?,
    };
    let object = draft.object(cx, name, &common.labels()?);
    if draft.generating == Generating::Always {
        cx.ui.generate(&format!("generating {}", draft.called));
    }
    if common.export {
        return cx.ui.print(&print::yaml::document(&object));
    }
    if draft.generating == Generating::WhenApplied {
        cx.ui.generate(&format!("generating {}", draft.called));
    }
    draft.apply(cx, name, object).await
}

/// When to tell that the object is being generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generating {
    Always,
    WhenApplied,
    Never,
}

/// How to tell that the object is ready, and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// `... reconciliation completed`, and the revision fetched.
    Fetched,
    /// `... is ready`, and the revision applied.
    Applied,
    /// `... is ready`, and the path of its webhook.
    Webhook,
    /// `... is ready` alone.
    Ready,
    /// `... reconciliation completed` alone.
    Completed,
}

/// A Secret that is written before the object which names it.
struct Credentials {
    secret: String,
    /// What they are, in the message.
    of: &'static str,
    data: Map<String, Value>,
    also: Map<String, Value>,
}

/// An object to be created, and how to tell of it.
struct Draft {
    kind: &'static Kind,
    /// What messages call it: `GitRepository source`.
    called: &'static str,
    spec: Fields,
    generating: Generating,
    told: Told,
    warning: Option<&'static str>,
    credentials: Option<Credentials>,
}

impl Draft {
    fn new(kind: &'static Kind, called: &'static str, told: Told, spec: Fields) -> Self {
        let generating = Generating::WhenApplied;
        Self { kind, called, spec, generating, told, warning: None, credentials: None }
    }

    fn object(&self, cx: &Cx, name: &str, labels: &Map<String, Value>) -> Value {
        let metadata = Fields::default().text("name", name).text("namespace", &cx.namespace);
        let metadata = if labels.is_empty() { metadata } else { metadata.put("labels", labels.clone()) };
        json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.kind,
            "metadata": metadata.into_value(),
            "spec": self.spec.clone().into_value(),
        })
    }

    async fn apply(self, cx: &Cx, name: &str, mut object: Value) -> CliResult {
        if let Some(warning) = self.warning {
            cx.ui.warning(warning);
        }
        if let Some(credentials) = self.credentials {
            cx.ui.action(&format!("applying secret with {} credentials", credentials.of));
            let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
            secret::write(cx, &credentials.secret, labels, credentials.data, "Opaque").await?;
            object["spec"]["secretRef"] = json!({"name": credentials.secret});
            for (key, value) in credentials.also {
                object["spec"][key] = value;
            }
            cx.ui.success("authentication configured");
        }
        cx.ui.action(&format!("applying {}", self.called));
        let resource = self.kind.resource();
        let is_new = upsert(cx, &resource, &object).await?;
        cx.ui.success(&format!("{} {}", self.called, if is_new { "created" } else { "updated" }));

        cx.ui.waiting(&format!("waiting for {} reconciliation", self.called));
        let is_static = self.kind.is_static(&object);
        let is_ready = |object: &Value| readiness::is_ready(object, is_static);
        let cluster = cx.cluster().await?;
        let object = cx.in_time(cluster.wait_for(&resource, &cx.namespace, name, is_ready)).await?;
        match self.told {
            Told::Fetched | Told::Completed => {
                cx.ui.success(&format!("{} reconciliation completed", self.called));
            }
            Told::Applied | Told::Webhook | Told::Ready => {
                cx.ui.success(&format!("{} {name} is ready", self.called));
            }
        }
        match self.told {
            Told::Fetched if is_static => {}
            Told::Fetched if text(&object, "/status/artifact/revision").is_empty() => {
                let called = self.called;
                let text = format!("{called} reconciliation completed but no artifact was found");
                return Err(CliError::new(text));
            }
            Told::Fetched => cx.ui.success(&format!("fetched revision: {}", self.kind.revision(&object))),
            Told::Applied => cx.ui.success(&format!("applied revision {}", self.kind.revision(&object))),
            Told::Webhook => {
                let path = text(&object, "/status/webhookPath");
                cx.ui.success(&format!("generated webhook URL {path}"));
            }
            Told::Ready | Told::Completed => {}
        }
        Ok(())
    }
}

/// Creates the object, or gives the one that is there its labels and spec. Says whether it is new.
async fn upsert(cx: &Cx, resource: &Resource, object: &Value) -> CliResult<bool> {
    let cluster = cx.cluster().await?;
    let name = crate::object::name(object);
    let Some(mut existing) = cluster.find(resource, &cx.namespace, name).await? else {
        cluster.create(resource, &cx.namespace, object).await?;
        return Ok(true);
    };
    existing["spec"] = object["spec"].clone();
    existing["metadata"]["labels"] = object["metadata"].get("labels").cloned().unwrap_or(Value::Null);
    cluster.replace(resource, &cx.namespace, &existing).await?;
    Ok(false)
}
