//! `sluice get`: the tables of all kinds.

use futures::StreamExt;
use serde_json::Value;

use crate::cluster::{Change, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{KindFlag, OnKind, Target, Verb};
use crate::kinds::{ARTIFACT_GENERATOR, Column, Family, KINDS, Kind};
use crate::object::{name, namespace};
use crate::print::table::Table;

/// Get the resources and their status
///
/// The get sub-commands print the statuses of Flux resources.
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    #[command(subcommand)]
    what: OnKind<Get>,
    /// List the requested object(s) across all namespaces
    #[arg(long, short = 'A', global = true)]
    all_namespaces: bool,
    /// Skip the header when printing the results
    #[arg(long, global = true)]
    no_header: bool,
    /// After listing/getting the requested object, watch for changes
    #[arg(long, short, global = true)]
    watch: bool,
    /// Specify the status condition name and the desired state to filter the get result, e.g. ready=false or
    /// ready!=true
    #[arg(long, global = true)]
    status_selector: Option<String>,
    /// Filter objects by label selector
    #[arg(long, short, global = true)]
    label_selector: Option<String>,
}

#[derive(Debug)]
struct Get;

impl Verb for Get {
    const PLURAL: bool = true;
    const ALL: bool = true;

    fn takes(_kind: &Kind) -> bool {
        true
    }

    fn about(what: &str) -> String {
        format!("Get {what} statuses")
    }

    fn flags(kind: &Kind) -> &'static [KindFlag] {
        if kind.columns.contains(&Column::Source) {
            &[("show-source", "Show the source reference of each object")]
        } else {
            &[]
        }
    }
}

pub async fn run(cx: &Cx, args: GetArgs) -> CliResult {
    let selector = args.status_selector.as_deref().map(StatusSelector::parse).transpose();
    let kind = match args.what.target {
        Target::Kind(kind) => kind,
        Target::All(_) if args.watch => {
            return Err(CliError::new("expected a single resource type, but found all"));
        }
        Target::All(family) => {
            let view = View { args: &args, selector: selector?, among_all: true };
            return all(cx, &view, family).await;
        }
    };
    let view = View { args: &args, selector: selector?, among_all: false };
    if args.watch {
        return watch(cx, &view, kind).await;
    }
    let objects = cx.cluster().await?.list(&kind.resource(), &view.selection(cx)).await?;
    if objects.is_empty() {
        return Err(nothing_found(cx, &view, kind));
    }
    cx.ui.print(&view.table(kind, &objects, true).render())
}

/// One table after another, each followed by an empty line; what fails is told, and the others go on.
async fn all(cx: &Cx, view: &View<'_>, family: Option<Family>) -> CliResult {
    let listed =
        |kind: &&Kind| kind.kind != ARTIFACT_GENERATOR.kind && (family.is_none() || kind.family == family);
    for kind in KINDS.into_iter().filter(listed) {
        let objects = match cx.cluster().await?.list(&kind.resource(), &view.selection(cx)).await {
            Ok(objects) => objects,
            Err(error) if error.is_no_such_kind() => continue,
            Err(error) => {
                cx.ui.failure(&CliError::from(error).error);
                continue;
            }
        };
        let table = view.table(kind, &objects, true);
        if !table.rows.is_empty() {
            cx.ui.println(&table.render())?;
        }
    }
    Ok(())
}

async fn watch(cx: &Cx, view: &View<'_>, kind: &'static Kind) -> CliResult {
    let changes = cx.cluster().await?.watch(&kind.resource(), &view.selection(cx), None).await?;
    let mut changes = std::pin::pin!(changes);
    let mut is_first = true;
    while let Some(change) = changes.next().await {
        let (Change::Put(object) | Change::Deleted(object)) = change?;
        let table = view.table(kind, std::slice::from_ref(&object), is_first);
        cx.ui.print(&table.render())?;
        is_first = false;
    }
    Ok(())
}

fn nothing_found(cx: &Cx, view: &View<'_>, kind: &Kind) -> CliError {
    let place = if view.args.all_namespaces { "any".to_owned() } else { format!("{:?}", cx.namespace) };
    CliError::new(match view.args.what.names.first() {
        Some(name) => format!("{} object '{name}' not found in {place} namespace", kind.kind),
        None => format!("no {} objects found in {place} namespace", kind.kind),
    })
}

/// Which objects are looked at, and how they are shown.
struct View<'a> {
    args: &'a GetArgs,
    selector: Option<StatusSelector<'a>>,
    /// Whether names are told with their kind, as where several kinds stand below each other.
    among_all: bool,
}

impl<'a> View<'a> {
    fn selection(&self, cx: &'a Cx) -> Selection<'a> {
        let namespace = (!self.args.all_namespaces).then_some(cx.namespace.as_str());
        let mut selection = Selection { namespace, ..Selection::default() };
        if let Some(name) = self.args.what.names.first() {
            selection = selection.named(name);
        }
        selection.labelled(self.args.label_selector.clone().unwrap_or_default())
    }

    fn table(&self, kind: &Kind, objects: &[Value], with_header: bool) -> Table {
        let columns: Vec<Column> = kind
            .columns
            .iter()
            .copied()
            .filter(|&column| column != Column::Source || self.args.what.has("show-source"))
            .collect();
        let mut header = Vec::new();
        if with_header && !self.args.no_header {
            header.extend(self.args.all_namespaces.then(|| "Namespace".to_owned()));
            header.push("Name".to_owned());
            header.extend(columns.iter().map(|column| column.title().to_owned()));
        }
        let mut table = Table::new(header);
        let wanted =
            |object: &&Value| self.selector.as_ref().is_none_or(|selector| selector.matches(kind, object));
        for object in objects.iter().filter(wanted) {
            let mut row = Vec::new();
            row.extend(self.args.all_namespaces.then(|| namespace(object).to_owned()));
            row.push(if self.among_all {
                format!("{}/{}", kind.kind.to_lowercase(), name(object))
            } else {
                name(object).to_owned()
            });
            row.extend(columns.iter().map(|&column| kind.cell(column, object)));
            table.rows.push(row);
        }
        table
    }
}

/// `ready=false` or `ready!=true`.
struct StatusSelector<'a> {
    condition_type: &'a str,
    status: &'a str,
    is_negated: bool,
}

impl<'a> StatusSelector<'a> {
    fn parse(text: &'a str) -> CliResult<Self> {
        let (is_negated, halves) = match text.split_once("!=") {
            Some(halves) => (true, Some(halves)),
            None => (false, text.split_once('=')),
        };
        let (condition_type, status) = halves.ok_or_else(|| {
            CliError::new(format!(
                "expected status selector in type=status or type!=status format, but found: {text}"
            ))
        })?;
        Ok(Self { condition_type, status, is_negated })
    }

    fn matches(&self, kind: &Kind, object: &Value) -> bool {
        kind.has_status(object, self.condition_type, self.status) != self.is_negated
    }
}
