//! What the edits share: notes, the files that words name, generator flags.

use sluice_budget::Budget;
use sluice_kustomize::edit::{File, GeneratorKind, Sources, check_generators};
use sluice_kustomize::{Ask, RepoSpec};

use super::glob::glob;
use crate::command::kustomize::{engine, remote};
use crate::error::{CliError, CliResult};
use crate::files;
use crate::ui::Ui;

/// One edit.
pub struct Session<'a> {
    pub ui: &'a Ui,
    pub namespace: String,
}

impl Session<'_> {
    pub fn note(&self, text: &str) {
        engine::log(self.ui, text);
    }

    pub fn notes(&self, texts: &[String]) {
        for text in texts {
            self.note(text);
        }
    }

    /// The files that patterns name; a pattern that names none is noted.
    pub fn files(&self, patterns: &[String]) -> CliResult<Vec<String>> {
        let mut found = Vec::new();
        for pattern in patterns {
            let files = glob(pattern)?;
            if files.is_empty() {
                self.note(&format!("{pattern} has no match"));
            }
            found.extend(files);
        }
        Ok(found)
    }
}

/// The files and bases that patterns name; what names nothing must be a base, fetched to see that it is there.
pub async fn files_or_bases(patterns: &[String], no_verify: bool) -> CliResult<Vec<String>> {
    if no_verify {
        return Ok(patterns.to_vec());
    }
    let mut found = Vec::new();
    for pattern in patterns {
        let files = glob(pattern)
            .map_err(|error| CliError::new(format!("error checking the filesystem: {}", error.error)))?;
        if files.is_empty() {
            is_base(pattern)
                .await
                .map_err(|error| CliError::new(format!("{pattern} has no match: {}", error.error)))?;
            found.push(pattern.clone());
        }
        found.extend(files);
    }
    Ok(found)
}

async fn is_base(path: &str) -> CliResult {
    if let Some(spec) = RepoSpec::parse(path) {
        let bases = remote::bases();
        let mut answering = bases.answering();
        let raw = spec.raw.clone();
        answering
            .answer(vec![Ask::Repository(spec)])
            .await
            .map_err(|error| CliError::new(error.to_string()))?;
        return match answering.answers().repositories.get(&raw) {
            Some(Err(error)) => Err(CliError::new(error.clone())),
            _ => Ok(()),
        };
    }
    if path.is_empty() {
        return Err(CliError::new("new root cannot be empty"));
    }
    if path.starts_with('/') {
        return Err(CliError::new(format!("new root '{path}' cannot be absolute")));
    }
    let whole = std::path::absolute(path)?.display().to_string();
    engine::folder(&whole).map(|_| ())
}

/// What a generator's entry is made of.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// A file by its path, or with a key before it (`key=path`)
    #[arg(long, value_delimiter = ',', value_name = "[KEY=]SOURCE")]
    from_file: Vec<String>,
    /// A key and its literal value
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<String>,
    /// A file of lines of key=value
    #[arg(long, default_value = "", hide_default_value = true, value_name = "PATH")]
    from_env_file: String,
    /// Disable the name suffix
    #[arg(long = "disableNameSuffixHash")]
    disable_name_suffix_hash: bool,
}

impl SourceArgs {
    /// Adds the entry to the file.
    pub fn add(
        &self,
        session: &Session<'_>,
        kind: GeneratorKind,
        behavior: &str,
        secret_type: &str,
    ) -> CliResult {
        let files = self.files(session).map_err(|error| within("failed to expand file source", &error))?;
        let name = self.name(&files, behavior).map_err(|error| within("failed to validate flags", &error))?;
        let sources = Sources {
            literals: self.from_literal.clone(),
            files,
            env: self.from_env_file.clone(),
            behavior: behavior.to_owned(),
            disable_name_suffix_hash: self.disable_name_suffix_hash,
            secret_type: secret_type.to_owned(),
        };
        change(kind, |file| Ok(file.add_generator(kind, &name, &session.namespace, sources)))
    }

    fn files(&self, session: &Session<'_>) -> CliResult<Vec<String>> {
        let mut found = Vec::new();
        for pattern in &self.from_file {
            let parts: Vec<&str> = pattern.split('=').collect();
            let (key, path) = match parts.as_slice() {
                [key, path] => (*key, *path),
                _ => ("", parts[0]),
            };
            let files = session.files(&[path.to_owned()])?;
            match files.as_slice() {
                _ if key.is_empty() => found.extend(files),
                [file] => found.push(format!("{key}={file}")),
                _ => {
                    let files = files.join(" ");
                    let text = format!("'pattern '{pattern}' catches files [{files}], should catch only one");
                    return Err(CliError::new(text));
                }
            }
        }
        Ok(found)
    }

    fn name(&self, files: &[String], behavior: &str) -> CliResult<String> {
        let refused = |text: &str| Err(CliError::new(text));
        let [name] = self.names.as_slice() else { return refused("name must be specified once") };
        let plain = !files.is_empty() || !self.from_literal.is_empty();
        match (self.from_env_file.is_empty(), plain) {
            (true, false) => {
                return refused("at least from-env-file, or from-file or from-literal must be set");
            }
            (false, true) => {
                return refused("from-env-file cannot be combined with from-file or from-literal");
            }
            _ => {}
        }
        if !["", "create", "merge", "replace"].contains(&behavior) {
            return refused(r#"invalid behavior: must be one of "create", "merge", or "replace""#);
        }
        Ok(name.clone())
    }
}

/// Changes to a generator's entry.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// An existing key and its new value
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<String>,
    /// New namespace of the entry
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAMESPACE")]
    new_namespace: String,
}

impl ChangeArgs {
    pub fn set(&self, session: &Session<'_>, kind: GeneratorKind) -> CliResult {
        let refused = |text: &str| Err(within("failed to validate flags", &CliError::new(text)));
        let [name] = self.names.as_slice() else { return refused("name must be specified once") };
        if self.from_literal.is_empty() && self.new_namespace.is_empty() {
            return refused("at least one of [--from-literal, --new-namespace] must be specified");
        }
        change(kind, |file| {
            let (literals, namespace) = (&self.from_literal, &self.new_namespace);
            file.set_generator(kind, name, &session.namespace, literals, namespace)
        })
    }
}

fn within(doing: &str, error: &CliError) -> CliError {
    CliError::new(format!("{doing}: {}", error.error))
}

/// Changes an entry, tries it out, writes the file.
fn change(
    kind: GeneratorKind,
    work: impl FnOnce(&mut File) -> Result<usize, sluice_kustomize::Error>,
) -> CliResult {
    let creating = match kind {
        GeneratorKind::ConfigMap => "failed to create configmap",
        GeneratorKind::Secret => "failed to create secret",
    };
    let place =
        super::place::Place::find().map_err(|error| within("failed to load kustomization file", &error))?;
    let mut file = place.read().map_err(|error| within("failed to read kustomization file", &error))?;
    let failed = |error: sluice_kustomize::Error| CliError::new(format!("{creating}: {error}"));
    let at = work(&mut file).map_err(failed)?;
    let folder = engine::folder(".")?;
    check_generators(&files::disk()?, &folder, &file, kind, at, &Budget::generous()).map_err(failed)?;
    place.write(&file).map_err(|error| within("failed to write kustomization file", &error))
}
