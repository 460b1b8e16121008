//! Runs of the engine for commands: on a thread of its own, with a stack for deep files, over the whole disk.

use std::path::Path;

use sluice_tree::{Folder, Limits};

use crate::error::{CliError, CliResult};

/// Engines recurse as deep as the files do.
const STACK: usize = 16 << 20;

/// Runs what is not async, and deep.
pub async fn deep<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> CliResult<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("kustomize".to_owned()).stack_size(STACK).spawn(move || {
        // Whoever waited may have been stopped.
        drop(send.send(work()));
    })?;
    receive.await.map_err(|_| CliError::new("the engine stopped unexpectedly"))
}

/// The whole disk: a kustomization may name folders anywhere beside its own.
pub fn disk() -> CliResult<Folder> {
    Folder::open(Path::new("/"), Limits::default()).map_err(|error| CliError::new(error.to_string()))
}

/// The real path of the folder to build, told from the words that a person typed.
pub fn folder(typed: &str) -> CliResult<String> {
    let refused = |text: String| CliError::new(format!("must build at directory: {text}"));
    let missing = |text: String| {
        refused(format!("not a valid directory: evalsymlink failure on '{typed}' : {text}"))
    };
    let whole = std::path::absolute(typed)?;
    let real = std::fs::canonicalize(&whole).map_err(|error| {
        let first = whole.ancestors().filter(|path| path.symlink_metadata().is_err()).last();
        let shown = first.unwrap_or(&whole).display().to_string();
        missing(match error.kind() {
            std::io::ErrorKind::NotFound => format!("lstat {shown}: no such file or directory"),
            std::io::ErrorKind::NotADirectory => format!("lstat {}: not a directory", whole.display()),
            std::io::ErrorKind::PermissionDenied => format!("lstat {shown}: permission denied"),
            _ => error.to_string(),
        })
    })?;
    if !real.is_dir() {
        return Err(refused(format!("'{typed}': file is not directory")));
    }
    real.into_os_string().into_string().map_err(|_| refused(format!("'{typed}': the path is not UTF-8")))
}
