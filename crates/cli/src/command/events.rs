//! `sluice events`: what the cluster's events tell of Flux's objects.

use futures::stream::select_all;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use crate::age;
use crate::cluster::{Change, ClusterError, Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::{ALERT, HELM_CHART, HELM_RELEASE, IMAGE_POLICY, KUSTOMIZATION, Kind, PROVIDER, named};
use crate::kinds::{EXTERNAL_ARTIFACT, IMAGE_REPOSITORY};
use crate::object::{Reference, number, reference, text};
use crate::print::table::Table;

/// Display Kubernetes events for Flux resources
///
/// The events sub-command shows Kubernetes events from Flux resources.
#[derive(Debug, clap::Args)]
pub struct EventsArgs {
    /// Display events from Flux resources across all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Indicate if the events should be streamed
    #[arg(long, short)]
    watch: bool,
    /// Get events for a particular object
    #[arg(long = "for", value_name = "KIND[/NAME]")]
    about: Option<String>,
    /// Filter events for certain types (valid types are: Normal, Warning)
    #[arg(long, value_delimiter = ',')]
    types: Vec<String>,
}

/// Events of some objects in one namespace, or in all.
struct Scope {
    namespace: Option<String>,
    fields: String,
}

impl Scope {
    fn new(namespace: Option<&str>, kind: Option<&str>, name: Option<&str>) -> Self {
        let terms = [("involvedObject.kind", kind), ("involvedObject.name", name)];
        let terms = terms.into_iter().filter_map(|(field, value)| Some(format!("{field}={}", value?)));
        Self { namespace: namespace.map(str::to_owned), fields: terms.collect::<Vec<_>>().join(",") }
    }

    fn selection(&self) -> Selection<'_> {
        Selection { namespace: self.namespace.as_deref(), labels: String::new(), fields: self.fields.clone() }
    }
}

pub async fn run(cx: &Cx, args: EventsArgs) -> CliResult {
    let is_known =
        |given: &&String| ["Normal", "Warning"].iter().any(|known| known.eq_ignore_ascii_case(given));
    if let Some(unknown) = args.types.iter().find(|given| !is_known(given)) {
        let supported = "Supported types are Normal, Warning";
        return Err(CliError::new(format!("type '{unknown}' not supported. {supported}")));
    }
    let scopes = scopes(cx, &args).await?;
    let home = scopes[0].namespace.as_deref();
    let with_namespace = home.is_none() || scopes.iter().any(|scope| scope.namespace.as_deref() != home);
    let view = View { types: args.types, with_namespace };
    let events = Resource::core("Event", "events");
    if args.watch {
        return watch(cx, &view, &events, &scopes).await;
    }
    let mut found = Vec::new();
    for scope in &scopes {
        let listed = cx.cluster().await?.list(&events, &scope.selection()).await;
        found.extend(listed.map_err(|error| {
            CliError::new(format!("error getting events: {}", CliError::from(error).error))
        })?);
    }
    found.retain(|event| view.shows(event));
    found.sort_by_key(last_seen);
    if found.is_empty() {
        cx.ui.failure(&match home {
            Some(namespace) => format!("No events found in {namespace} namespace."),
            None => "No events found.".to_owned(),
        });
        return Ok(());
    }
    let mut table = Table::new(view.header());
    table.rows.extend(found.iter().map(|event| view.row(event)));
    cx.ui.print(&table.render())
}

/// The events asked for, and, where an object was named, those of the objects that it depends on.
async fn scopes(cx: &Cx, args: &EventsArgs) -> CliResult<Vec<Scope>> {
    let home = (!args.all_namespaces).then_some(cx.namespace.as_str());
    let Some(about) = &args.about else { return Ok(vec![Scope::new(home, None, None)]) };
    let (kind, name) = match about.split_once('/') {
        Some((kind, name)) => (kind, Some(name).filter(|name| !name.is_empty())),
        None => (about.as_str(), None),
    };
    if kind.is_empty() {
        return Err(CliError::new("--for selector must be of format <kind>[/<name>]"));
    }
    let kind = named(kind)
        .filter(|kind| has_events(kind))
        .ok_or_else(|| CliError::new(format!("'{kind}' is not a recognized Flux kind")))?;
    let mut scopes = vec![Scope::new(home, Some(kind.kind), name)];
    if let Some(name) = name {
        let depended_on = depended_on(cx, kind, name).await?;
        scopes.extend(
            depended_on.iter().map(|of| Scope::new(Some(&of.namespace), Some(&of.kind), Some(&of.name))),
        );
    }
    Ok(scopes)
}

/// An ExternalArtifact is only ever written by another object's controller, which tells of that object.
fn has_events(kind: &Kind) -> bool {
    kind.kind != EXTERNAL_ARTIFACT.kind
}

async fn depended_on(cx: &Cx, kind: &Kind, name: &str) -> CliResult<Vec<Reference>> {
    let home = &cx.namespace;
    let pointer = match kind.kind {
        of if of == KUSTOMIZATION.kind || of == HELM_CHART.kind => "/spec/sourceRef",
        of if of == HELM_RELEASE.kind => "/spec/chart/spec/sourceRef",
        of if of == ALERT.kind => "/spec/providerRef",
        of if of == IMAGE_POLICY.kind => "/spec/imageRepositoryRef",
        _ => return Ok(Vec::new()),
    };
    let object = cx.cluster().await?.get(&kind.resource(), home, name).await?;
    let Some(mut found) = reference(&object, pointer, home) else {
        let field = pointer[1..].replace('/', ".");
        return Err(CliError::new(format!("field '{field}.name' for '{home}/{name}' not found")));
    };
    if kind.kind == ALERT.kind {
        found = Reference { kind: PROVIDER.kind.to_owned(), namespace: home.clone(), ..found };
    } else if kind.kind == IMAGE_POLICY.kind {
        IMAGE_REPOSITORY.kind.clone_into(&mut found.kind);
    }
    let mut all = vec![found];
    if kind.kind == HELM_RELEASE.kind {
        let namespace = all[0].namespace.clone();
        all.push(Reference { kind: HELM_CHART.kind.to_owned(), namespace, name: format!("{home}-{name}") });
    }
    Ok(all)
}

async fn watch(cx: &Cx, view: &View, events: &Resource, scopes: &[Scope]) -> CliResult {
    let mut streams = Vec::new();
    for scope in scopes {
        let stream = cx.cluster().await?.watch(events, &scope.selection(), None).await?;
        streams
            .push(Box::pin(stream)
                as std::pin::Pin<Box<dyn Stream<Item = Result<Change, ClusterError>> + Send>>);
    }
    let print_all = async {
        let mut changes = select_all(streams);
        let mut table = Table::new(view.header());
        while let Some(change) = changes.next().await {
            if let Change::Put(event) = change?
                && view.shows(&event)
            {
                table.rows = vec![view.row(&event)];
                cx.ui.print(&table.render())?;
                table.header.clear();
            }
        }
        Ok(())
    };
    // A stream that was followed as long as was asked for has not failed.
    cx.until_deadline(print_all).await
}

struct View {
    types: Vec<String>,
    with_namespace: bool,
}

impl View {
    fn shows(&self, event: &Value) -> bool {
        let of_flux = named(text(event, "/involvedObject/kind")).is_some_and(has_events);
        let event_type = text(event, "/type");
        of_flux
            && (self.types.is_empty()
                || self.types.iter().any(|given| given.eq_ignore_ascii_case(event_type)))
    }

    fn header(&self) -> Vec<String> {
        let titles = ["Last seen", "Type", "Reason", "Object", "Message"];
        self.with_namespace.then_some("Namespace").into_iter().chain(titles).map(str::to_owned).collect()
    }

    fn row(&self, event: &Value) -> Vec<String> {
        let object =
            format!("{}/{}", text(event, "/involvedObject/kind"), text(event, "/involvedObject/name"));
        let cells = [
            seen(event, Timestamp::now()),
            text(event, "/type").to_owned(),
            text(event, "/reason").to_owned(),
            object,
            text(event, "/message").to_owned(),
        ];
        let namespace = self.with_namespace.then(|| text(event, "/metadata/namespace").to_owned());
        namespace.into_iter().chain(cells).collect()
    }
}

/// When the event was last seen, and, where it came more than once, how often and for how long.
fn seen(event: &Value, now: Timestamp) -> String {
    let first = match text(event, "/eventTime") {
        "" => text(event, "/firstTimestamp"),
        time => time,
    };
    let first = age::since(first, now);
    if event.pointer("/series").is_some_and(|series| !series.is_null()) {
        let last = age::since(text(event, "/series/lastObservedTime"), now);
        return format!("{last} (x{} over {first})", number(event, "/series/count"));
    }
    match number(event, "/count") {
        ..=1 => first,
        count => format!("{} (x{count} over {first})", age::since(text(event, "/lastTimestamp"), now)),
    }
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .find_map(|pointer| text(event, pointer).parse().ok())
}
