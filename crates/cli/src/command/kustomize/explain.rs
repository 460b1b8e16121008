//! `sluice kustomize explain`: where each value of a built object comes from.

use std::path::{Component, Path, PathBuf};

use sluice_budget::Budget;
use sluice_kustomize::explain::{Explanation, Touch, explain, find};
use sluice_kustomize::{Answers, Options};

use super::engine;
use crate::error::{CliError, CliResult};
use crate::files;
use crate::ui::Ui;

/// Explain where the fields of an object come from
///
/// Builds the folder and prints, for each field of one object, its value, the file and line that say it (a base, a patch,
/// a generator or a field of a kustomization), and behind '<' what it was before, last one first.
///
/// OBJECT is KIND/NAME or KIND/NAMESPACE/NAME, with the name as built or as written in the files. FIELD is a path as
/// replacements write it: 'spec.template.spec.containers.[name=main].image'.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    #[arg(value_name = "OBJECT[.FIELD]")]
    object: String,
    #[arg(value_name = "DIR", default_value = ".")]
    folder: String,
    /// If set to 'LoadRestrictionsNone', local kustomizations may load files from outside their root
    #[arg(long, default_value = "LoadRestrictionsRootOnly", value_name = "RESTRICTOR")]
    load_restrictor: String,
}

pub async fn run(ui: &Ui, args: ExplainArgs) -> CliResult {
    let folder = engine::folder(&args.folder)?;
    let here = std::env::current_dir()?;
    let text = engine::deep(move || args.explain(&folder, &here)).await??;
    ui.print(&text)
}

impl ExplainArgs {
    fn explain(&self, folder: &str, here: &Path) -> CliResult<String> {
        let options = Options {
            unrestricted: self.load_restrictor == "LoadRestrictionsNone",
            remote: false,
            ..Options::default()
        };
        let failed = |error: sluice_kustomize::Error| CliError::new(error.to_string());
        let tree = files::disk()?;
        let explanation = explain(&tree, folder, &options, &Answers::default(), &Budget::generous());
        let Explanation::Done(objects) = explanation.map_err(failed)? else {
            return Err(CliError::new("remote bases cannot be explained"));
        };
        let (_, fields) = find(&objects, &self.object).map_err(failed)?;
        let mut text = String::new();
        for field in fields {
            let touches: Vec<String> =
                field.touches.iter().rev().map(|touch| shown(touch, here).to_string()).collect();
            text.push_str(&format!("{}: {}  {}\n", field.path(), field.value, touches.join(" < ")));
        }
        Ok(text)
    }
}

/// The touch with its file as seen from the working folder.
fn shown(touch: &Touch, here: &Path) -> Touch {
    let mut touch = touch.clone();
    if !touch.file.is_empty() && !touch.file.contains("://") {
        touch.file = relative(&Path::new("/").join(&touch.file), here).display().to_string();
    }
    touch
}

fn relative(path: &Path, here: &Path) -> PathBuf {
    let (ours, theirs): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (here.components().collect(), path.components().collect());
    let shared = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let up = ours[shared..].iter().map(|_| Component::ParentDir);
    up.chain(theirs[shared..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_from_the_working_folder() {
        let shown = |path: &str, here: &str| relative(Path::new(path), Path::new(here)).display().to_string();
        assert_eq!(shown("/a/b/c.yaml", "/a"), "b/c.yaml");
        assert_eq!(shown("/a/b/c.yaml", "/a/d"), "../b/c.yaml");
    }
}
