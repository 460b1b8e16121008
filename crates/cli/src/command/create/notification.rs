//! `sluice create receiver`, `alert` and `alert-provider`.

use serde_json::json;

use super::fields::Fields;
use super::reference::{Typed, split_kind};
use super::{Draft, NameArgs, Told};
use crate::error::{CliError, CliResult};
use crate::kinds::{ALERT, PROVIDER, RECEIVER};

const RECEIVER_TYPES: [&str; 12] = [
    "generic",
    "generic-hmac",
    "github",
    "gitlab",
    "bitbucket",
    "harbor",
    "dockerhub",
    "quay",
    "gcr",
    "nexus",
    "acr",
    "cdevents",
];

fn receiver_type(text: &str) -> Result<String, String> {
    if RECEIVER_TYPES.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("receiver type '{text}' is not supported, must be one of: {}", RECEIVER_TYPES.join(", ")))
}

/// Create or update a Receiver resource
///
/// The create receiver command generates a Receiver resource.
#[derive(Debug, clap::Args)]
pub struct ReceiverArgs {
    #[command(flatten)]
    name: NameArgs,
    /// The receiver type
    #[arg(long = "type", value_parser = receiver_type)]
    of: Option<String>,
    /// The name of the Secret that holds the token
    #[arg(long)]
    secret_ref: Option<String>,
    /// The events that trigger, also accepts comma-separated values
    #[arg(long, value_delimiter = ',')]
    event: Vec<String>,
    /// What is reconciled (<kind>/<name>), also accepts comma-separated values
    #[arg(long, value_delimiter = ',')]
    resource: Vec<String>,
}

impl ReceiverArgs {
    pub(super) fn draft(&self) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let of = self.of.as_ref().ok_or_else(|| CliError::new("Receiver type is required"))?;
        if self.secret_ref.is_none() {
            return Err(CliError::new("secret ref is required"));
        }
        let mut resources = Vec::new();
        for resource in &self.resource {
            let (kind, name) = split_kind(resource);
            if kind.is_empty() {
                let form = "must be in format <kind>/<name>";
                return Err(CliError::new(format!("invalid event source '{resource}', {form}")));
            }
            resources.push(json!({"kind": kind, "name": name}));
        }
        if resources.is_empty() {
            return Err(CliError::new("atleast one resource is required"));
        }
        let spec = Fields::default()
            .text("type", of)
            .texts("events", &self.event)
            .list("resources", resources)
            .named("secretRef", self.secret_ref.as_ref());
        Ok((name, Draft::new(&RECEIVER, "Receiver", Told::Webhook, spec)))
    }
}

/// Create or update a Alert resource
///
/// The create alert command generates a Alert resource.
#[derive(Debug, clap::Args)]
pub struct AlertArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Reference to provider
    #[arg(long)]
    provider_ref: Option<String>,
    /// Severity of events to send alerts for
    #[arg(long)]
    event_severity: Option<String>,
    /// Sources that should generate alerts (<kind>/<name>), also accepts comma-separated values
    #[arg(long, value_delimiter = ',')]
    event_source: Vec<String>,
}

impl AlertArgs {
    pub(super) fn draft(&self) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        if self.provider_ref.is_none() {
            return Err(CliError::new("provider ref is required"));
        }
        let mut sources = Vec::new();
        for source in &self.event_source {
            let typed = Typed::split(source);
            if typed.kind.is_empty() {
                let form = "must be in format <kind>/<name>";
                return Err(CliError::new(format!("invalid event source '{source}', {form}")));
            }
            sources.push(typed.into_value());
        }
        if sources.is_empty() {
            return Err(CliError::new("at least one event source is required"));
        }
        let spec = Fields::default()
            .named("providerRef", self.provider_ref.as_ref())
            .some_text("eventSeverity", self.event_severity.as_ref())
            .list("eventSources", sources);
        Ok((name, Draft::new(&ALERT, "Alert", Told::Ready, spec)))
    }
}

/// Create or update a Provider resource
///
/// The create alert-provider command generates a Provider resource.
#[derive(Debug, clap::Args)]
pub struct AlertProviderArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Type of provider
    #[arg(long = "type")]
    of: Option<String>,
    /// Channel to send messages to in the case of a chat provider
    #[arg(long)]
    channel: Option<String>,
    /// Bot username used by the provider
    #[arg(long)]
    username: Option<String>,
    /// Path to either the git repository, chat provider or webhook
    #[arg(long)]
    address: Option<String>,
    /// Name of secret containing authentication token
    #[arg(long)]
    secret_ref: Option<String>,
}

impl AlertProviderArgs {
    pub(super) fn draft(&self) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let of = self.of.as_ref().ok_or_else(|| CliError::new("Provider type is required"))?;
        let spec = Fields::default()
            .text("type", of)
            .some_text("channel", self.channel.as_ref())
            .some_text("username", self.username.as_ref())
            .some_text("address", self.address.as_ref())
            .named("secretRef", self.secret_ref.as_ref());
        Ok((name, Draft::new(&PROVIDER, "Provider", Told::Ready, spec)))
    }
}
