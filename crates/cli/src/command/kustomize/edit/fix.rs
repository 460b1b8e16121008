//! `sluice kustomize edit fix`.

use std::path::Path;

use sluice_kustomize::edit::convert_vars;

use super::place::Place;
use super::sources::Session;
use crate::command::kustomize::{build, engine};
use crate::error::{CliError, CliResult};
use crate::files;

/// Fix the missing fields in kustomization file
///
/// Moves deprecated fields to their successors and says whether the build stays the same.
#[derive(Debug, clap::Args)]
pub struct FixArgs {
    /// If specified, vars are converted to replacements, and the files that name them are changed; try it in a clean
    /// work tree
    #[arg(long)]
    vars: bool,
}

const FIXED: &str = "
Fixed fields:
  patchesJson6902 -> patches
  patchesStrategicMerge -> patches
  commonLabels -> labels
";

const VARS_ARE_LEFT: &str = "
To convert vars -> replacements, run the command `kustomize edit fix --vars`

WARNING: Converting vars to replacements will potentially overwrite many resource files 
and the resulting files may not produce the same output when `kustomize build` is run. 
We recommend doing this in a clean git repository where the change is easy to undo.
";

pub async fn run(session: &Session<'_>, args: FixArgs) -> CliResult {
    let before = build::plain(session.ui, ".").await;
    let place = Place::find()?;
    let mut file = place.read()?;
    let failed = |error: sluice_kustomize::Error| CliError::new(error.to_string());
    file.fix(&|path| Path::new(path).is_file()).map_err(failed)?;
    if args.vars {
        let folder = engine::folder(".")?;
        for edited in convert_vars(&mut file, &files::disk()?, &folder).map_err(failed)? {
            std::fs::write(Path::new("/").join(&edited.path), edited.text)?;
        }
        session.ui.print(&format!("{FIXED}  vars -> replacements\n"))?;
    } else {
        session.ui.print(&format!("{FIXED}{VARS_ARE_LEFT}"))?;
    }
    place.write(&file)?;
    match build::plain(session.ui, ".").await {
        Err(error) => session.ui.print(&format!(
            "Warning: 'Fixed' kustomization now produces the error when running `kustomize build`: {}\n",
            error.error
        )),
        Ok(after) if before.unwrap_or_default() == after => Ok(()),
        Ok(after) => session.ui.print(&format!(
            "Warning: 'Fixed' kustomization now produces different output when running `kustomize build`:\n\
             ...{after}...\n"
        )),
    }
}
