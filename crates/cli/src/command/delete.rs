//! `sluice delete`.

use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{OnKind, Verb};
use crate::kinds::{Kind, Verbs};

/// Delete sources and resources
///
/// The delete sub-commands delete sources and resources.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    #[command(subcommand)]
    what: OnKind<Delete>,
    /// Delete resource without asking for confirmation
    #[arg(long, short, global = true)]
    silent: bool,
}

#[derive(Debug)]
struct Delete;

impl Verb for Delete {
    fn takes(kind: &Kind) -> bool {
        kind.verbs != Verbs::Read
    }

    fn about(what: &str) -> String {
        format!("Delete a {what}")
    }
}

pub async fn run(cx: &Cx, args: DeleteArgs) -> CliResult {
    let kind = args.what.kind()?;
    let Some(name) = args.what.names.first() else {
        return Err(CliError::new(format!("{} name is required", kind.human)));
    };
    let cluster = cx.cluster().await?;
    cluster.get(&kind.resource(), &cx.namespace, name).await?;
    let question = format!("Are you sure you want to delete this {}", kind.human);
    if !args.silent && !cx.ui.confirm(&question)? {
        return Err(CliError::new("aborting"));
    }
    cx.ui.action(&format!("deleting {} {name} in {} namespace", kind.human, cx.namespace));
    cluster.delete(&kind.resource(), &cx.namespace, name).await?;
    cx.ui.success(&format!("{} deleted", kind.human));
    Ok(())
}
