//! `sluice kustomize localize`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_budget::Budget;
use sluice_kustomize::localize::{Localize, LocalizeOutcome, Localized, localize};
use sluice_kustomize::{Answers, Ask, RepoSpec};
use sluice_tree::Tree;

use super::{build, engine, remote};
use crate::error::{CliError, CliResult};
use crate::files;
use crate::ui::Ui;

/// [Alpha] Creates localized copy of target kustomization root at destination
///
/// Copies the target, a folder or a versioned repository, to a new folder; what is remote in the original is local in
/// the copy.
#[derive(Debug, clap::Args)]
pub struct LocalizeArgs {
    #[arg(value_name = "TARGET [DESTINATION]")]
    words: Vec<String>,
    /// Path to directory inside of which localize is limited to running; the target itself where it is not specified
    #[arg(long, default_value = "", hide_default_value = true)]
    scope: String,
    /// Does not verify that the outputs of build for target and copy are the same after localization
    #[arg(long)]
    no_verify: bool,
}

pub async fn run(ui: &Ui, args: LocalizeArgs) -> CliResult {
    let target = args.words.first().map_or(".", String::as_str);
    if args.words.len() > 2 {
        let text = format!("accepts at most 2 arg(s), received {}", args.words.len());
        return Err(CliError::new(text));
    }
    let destination = copy(&args, target).await?;
    if !args.no_verify {
        verify(ui, &args, target, &destination).await?;
    }
    let shown = destination.display();
    engine::log(ui, &format!("SUCCESS: localized {target:?} to directory {shown}"));
    Ok(())
}

async fn verify(ui: &Ui, args: &LocalizeArgs, target: &str, destination: &Path) -> CliResult {
    let shown = destination.display();
    let copy = match Path::new(target).file_name() {
        Some(name) if !args.scope.is_empty() && args.scope != target => destination.join(name),
        _ => destination.to_owned(),
    };
    let mut built = Vec::new();
    for folder in [target, &*copy.to_string_lossy()] {
        let result = build::plain(ui, folder).await;
        built.push(result.inspect_err(|_| {
            engine::log(
                ui,
                &format!(
                    "If your target directory requires flags to build: \n1. Add executable permissions for the \
                     downloaded exec binaries in '{folder}'. \n2. Run kustomize build with the necessary flags and \
                     self-verify the outputs."
                ),
            );
        })?);
    }
    let tell = |how: &str, same: &str| {
        format!(
            "VERIFICATION {how}: `kustomize build` for {target} and {shown} are {same} after localization."
        )
    };
    if built[0] != built[1] {
        return Err(CliError::new(tell("FAILED", "different")));
    }
    engine::log(ui, &tell("SUCCESS", "the same"));
    Ok(())
}

/// Where the copy begins.
#[derive(Clone)]
struct Start {
    tree: Arc<dyn Tree + Send + Sync>,
    folder: String,
    scope: String,
    shown_root: String,
    /// The copy's name where none is given.
    name: String,
    is_remote: bool,
}

async fn copy(args: &LocalizeArgs, target: &str) -> CliResult<PathBuf> {
    let bases = remote::bases();
    let mut answering = bases.answering();
    let failed = |error: sluice_bases::Exceeded| CliError::new(error.to_string());
    let start = match RepoSpec::parse(target) {
        Some(spec) => {
            if spec.reference.is_empty() {
                let text = format!("localize remote root {target:?} missing ref query string parameter");
                return Err(CliError::new(text));
            }
            answering.answer(vec![Ask::Repository(spec.clone())]).await.map_err(failed)?;
            from_repository(args, target, &spec, answering.answers())?
        }
        None => from_folder(args, target)?,
    };
    let named = args.words.get(1).filter(|word| !word.is_empty());
    let typed = named.cloned().unwrap_or_else(|| start.name.clone());
    let destination = create(&typed).map_err(|error| {
        within(&format!("invalid localize destination {:?}", named.map_or("", |word| word)), error)
    })?;
    let below = destination.to_string_lossy().trim_start_matches('/').to_owned();
    let result = loop {
        let (start, answers, below) = (start.clone(), answering.answers().clone(), below.clone());
        let run = engine::deep(move || start.once(&answers, &below)).await?;
        match run {
            Ok(LocalizeOutcome::Done(copy)) => break write(&copy, &destination),
            Ok(LocalizeOutcome::Need(asks)) => {
                if let Err(error) = answering.answer(asks).await {
                    break Err(failed(error));
                }
            }
            Err(error) => break Err(error),
        }
    };
    match result {
        Ok(()) => Ok(destination),
        Err(error) => {
            // It was made a moment ago, by this command.
            let _ = std::fs::remove_dir_all(&destination);
            Err(within(&format!("unable to localize target {target:?}"), error))
        }
    }
}

fn within(doing: &str, error: CliError) -> CliError {
    CliError::new(format!("{doing}: {}", error.error))
}

fn from_repository(
    args: &LocalizeArgs,
    target: &str,
    spec: &RepoSpec,
    answers: &Answers,
) -> CliResult<Start> {
    if !args.scope.is_empty() {
        let scope = &args.scope;
        let text = format!(
            "invalid localize scope {scope:?}: scope {scope:?} specified for remote localize target {target:?}"
        );
        return Err(CliError::new(text));
    }
    let tree = match answers.repositories.get(&spec.raw) {
        Some(Ok(tree)) => Arc::clone(tree),
        Some(Err(error)) => {
            return Err(CliError::new(format!("unable to establish localize target {target:?}: {error}")));
        }
        None => return Err(CliError::new(format!("'{target}' was not fetched"))),
    };
    let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let folder = last(if spec.root_path.is_empty() { &spec.repo_path } else { &spec.root_path });
    Ok(Start {
        tree,
        folder: spec.root_path.clone(),
        scope: String::new(),
        shown_root: spec.clone_spec(),
        name: format!("localized-{folder}-{}", spec.reference.replace('/', "-")),
        is_remote: true,
    })
}

fn from_folder(args: &LocalizeArgs, target: &str) -> CliResult<Start> {
    let folder = engine::folder(target)
        .map_err(|error| within(&format!("unable to establish localize target {target:?}"), error))?;
    let invalid = |error: CliError| within(&format!("invalid localize scope {:?}", args.scope), error);
    let scope = match args.scope.as_str() {
        "" => folder.clone(),
        scope => engine::folder(scope).map_err(|error| {
            let text = error.error.trim_start_matches("must build at directory: ").to_owned();
            invalid(within("unable to establish localize scope", CliError::new(text)))
        })?,
    };
    if !Path::new(&folder).starts_with(&scope) {
        let text =
            format!("localize scope {:?} does not contain target {target:?} at {folder:?}", args.scope);
        return Err(invalid(CliError::new(text)));
    }
    let name = Path::new(&folder).file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Start {
        tree: Arc::new(files::disk()?),
        folder: folder.trim_start_matches('/').to_owned(),
        scope: scope.trim_start_matches('/').to_owned(),
        shown_root: String::new(),
        name: name.map_or_else(|| "localized".to_owned(), |name| format!("localized-{name}")),
        is_remote: false,
    })
}

impl Start {
    fn once(&self, answers: &Answers, destination: &str) -> CliResult<LocalizeOutcome> {
        let what = Localize {
            folder: &self.folder,
            scope: &self.scope,
            shown_root: &self.shown_root,
            destination: (!self.is_remote).then_some(destination),
        };
        localize(&*self.tree, what, answers, &Budget::generous())
            .map_err(|error| CliError::new(error.to_string()))
    }
}

/// Makes the folder, which must not be there, in one that is.
fn create(typed: &str) -> CliResult<PathBuf> {
    let path = Path::new(typed);
    if path.symlink_metadata().is_ok() {
        return Err(CliError::new(format!("localize destination {typed:?} already exists")));
    }
    std::fs::create_dir(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        CliError::new(format!("unable to create localize destination directory: mkdir {typed}: {why}"))
    })?;
    Ok(std::fs::canonicalize(path)?)
}

fn write(copy: &Localized, destination: &Path) -> CliResult {
    // Paths come from the engine, which lets none of them lead out of the scope.
    for folder in &copy.folders {
        std::fs::create_dir_all(destination.join(folder))?;
    }
    for (path, content) in &copy.files {
        let file = destination.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, content)?;
    }
    Ok(())
}
