//! Text to trees by the rules of Go's yaml v3, as kustomize reads it.

use smol_str::SmolStr;

use crate::compose::{Composer, Document, Trouble};
use crate::error::{Dialect, Error};
use crate::fast::{self, Nodes, Rest};
use crate::node::Node;
use crate::read::{self, Source};
use crate::scan::Scanner;

/// What a text may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of the text.
    pub bytes: usize,
    /// Levels of nesting. The default fits a stack of 2 MiB even without optimisation; Go allows 10,000.
    pub depth: u32,
    /// Nodes that expanding aliases may make.
    pub expanded: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 128 << 20, depth: 256, expanded: 10_000_000 }
    }
}

/// All documents of a stream. Comments that belong to no node are left out; `parse_documents` has them.
pub fn parse(text: impl AsRef<[u8]>, limits: Limits) -> Result<Vec<Node>, Error> {
    let documents = parse_documents(text, limits)?;
    Ok(documents.into_iter().map(|document| document.root).collect())
}

/// All documents of a stream, with their own head and foot comments.
pub fn parse_documents(text: impl AsRef<[u8]>, limits: Limits) -> Result<Vec<Document>, Error> {
    let source = checked_source(text.as_ref(), limits)?;
    if !source.text.contains("\n---")
        && let Some(root) = quickly(&source, limits, false)
    {
        return Ok(vec![Document { root, head: SmolStr::default(), foot: SmolStr::default() }]);
    }
    compose(source, limits, Dialect::V3, |composer| {
        let mut documents = Vec::new();
        let mut next = composer.first()?;
        while let Some(document) = next {
            documents.push(document);
            next = composer.next()?;
        }
        Ok(documents)
    })
}

/// The first document; what follows it is not looked at. `None` when there is none.
pub fn parse_first(text: impl AsRef<[u8]>, limits: Limits) -> Result<Option<Document>, Error> {
    let source = checked_source(text.as_ref(), limits)?;
    if let Some(root) = quickly(&source, limits, false) {
        return Ok(Some(Document { root, head: SmolStr::default(), foot: SmolStr::default() }));
    }
    compose(source, limits, Dialect::V3, |composer| composer.first())
}

/// The first document, comments passed over: the quickest way where they do not matter.
pub fn parse_first_uncommented(text: impl AsRef<[u8]>, limits: Limits) -> Result<Option<Node>, Error> {
    let source = checked_source(text.as_ref(), limits)?;
    if let Some(root) = quickly(&source, limits, true) {
        return Ok(Some(root));
    }
    let document = compose(source, limits, Dialect::V3, |composer| composer.first())?;
    Ok(document.map(|document| document.root))
}

/// An ordinary text that is one document.
fn quickly(source: &Source<'_>, limits: Limits, skip_comments: bool) -> Option<Node> {
    if source.broken.is_some() {
        return None;
    }
    let scanner = Scanner::new(&source.text, Dialect::V3, limits.depth);
    fast::first(scanner, Nodes::default(), limits.depth.saturating_sub(1), skip_comments, Rest::Nothing)
}

pub(crate) fn with_composer<T>(
    bytes: &[u8],
    limits: Limits,
    dialect: Dialect,
    run: impl FnOnce(&mut Composer<'_>) -> Result<T, Trouble>,
) -> Result<T, Error> {
    compose(checked_source(bytes, limits)?, limits, dialect, run)
}

pub(crate) fn checked_source(bytes: &[u8], limits: Limits) -> Result<Source<'_>, Error> {
    check_size(bytes.len(), limits)?;
    Ok(read::source(bytes))
}

pub(crate) fn checked_text(text: &str, limits: Limits) -> Result<Source<'_>, Error> {
    check_size(text.len(), limits)?;
    Ok(read::source_of_text(text))
}

fn check_size(bytes: usize, limits: Limits) -> Result<(), Error> {
    if bytes > limits.bytes.min(u32::MAX as usize / 2) {
        return Err(Error::new(format!("the text is larger than {} bytes", limits.bytes)));
    }
    Ok(())
}

pub(crate) fn compose<T>(
    source: Source<'_>,
    limits: Limits,
    dialect: Dialect,
    run: impl FnOnce(&mut Composer<'_>) -> Result<T, Trouble>,
) -> Result<T, Error> {
    let mut composer = Composer::new(&source.text, dialect, limits.depth);
    let result = run(&mut composer);
    if let Some(broken) = source.broken
        && composer.position() + 4 > source.text.len()
    {
        return Err(broken);
    }
    result.map_err(|trouble| match trouble {
        Trouble::Syntax(failure) => failure.into_error(dialect),
        Trouble::Plain(error) => *error,
    })
}
