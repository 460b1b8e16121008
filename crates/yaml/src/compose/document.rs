//! Documents: where they begin and end, their directives and their own comments.

use smol_str::SmolStr;

use super::{Compose, Composer, empty_scalar};
use crate::error::{Dialect, Failure};
use crate::node::Node;
use crate::scan::{Lexeme, Mark};

/// A document with the comments that belong to none of its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub root: Node,
    /// Stands above the document, with an empty line between.
    pub head: SmolStr,
    /// Stands below it.
    pub foot: SmolStr,
}

impl<'a> Composer<'a> {
    /// The first document; `None` when the text holds none.
    pub fn first(&mut self) -> Compose<Option<Document>> {
        self.peek()?;
        self.take();
        let token = self.peek()?;
        match token.lexeme {
            Lexeme::VersionDirective { .. }
            | Lexeme::TagDirective(_)
            | Lexeme::DocumentStart
            | Lexeme::StreamEnd => self.explicit(),
            _ => {
                self.process_directives()?;
                let head = self.split_document_head();
                let root = self.node(true, false)?;
                let foot = self.document_end()?;
                Ok(Some(Document { root, head, foot }))
            }
        }
    }

    /// The next document after the first.
    pub fn next(&mut self) -> Compose<Option<Document>> {
        while matches!(self.peek()?.lexeme, Lexeme::DocumentEnd) {
            self.take();
        }
        self.explicit()
    }

    fn explicit(&mut self) -> Compose<Option<Document>> {
        if matches!(self.peek()?.lexeme, Lexeme::StreamEnd) {
            return Ok(None);
        }
        self.process_directives()?;
        let token = self.peek()?;
        let at = token.start;
        if !matches!(token.lexeme, Lexeme::DocumentStart) {
            return Err(Self::failure(None, at, "did not find expected <document start>"));
        }
        self.take();
        let token = self.peek()?;
        let at = token.start;
        let root = match token.lexeme {
            Lexeme::VersionDirective { .. }
            | Lexeme::TagDirective(_)
            | Lexeme::DocumentStart
            | Lexeme::DocumentEnd
            | Lexeme::StreamEnd => empty_scalar(at),
            _ => self.node(true, false)?,
        };
        let foot = self.document_end()?;
        Ok(Some(Document { root, head: SmolStr::default(), foot }))
    }

    fn document_end(&mut self) -> Compose<SmolStr> {
        if matches!(self.peek()?.lexeme, Lexeme::DocumentEnd) {
            self.take();
        }
        self.directives.clear();
        if self.dialect == Dialect::V2 {
            self.anchors.clear();
        }
        let comments = self.take_comments().map(|found| *found).unwrap_or_default();
        Ok(if comments.foot.is_empty() { comments.head } else { comments.foot })
    }

    /// What stands above the last empty line of the first comment heads the document, the rest its first node.
    fn split_document_head(&mut self) -> SmolStr {
        let head = &self.pending.head;
        let bytes = head.as_bytes();
        for at in (1..bytes.len()).rev() {
            if bytes[at] != b'\n' {
                continue;
            }
            let end = if at == bytes.len() - 1 {
                at
            } else if bytes[at - 1] == b'\n' {
                at - 1
            } else {
                continue;
            };
            let document = SmolStr::new(&head[..end]);
            self.pending.head = head[at + 1..].to_owned().into();
            return document;
        }
        SmolStr::default()
    }

    fn process_directives(&mut self) -> Compose<()> {
        let mut version = false;
        loop {
            let token = self.peek()?;
            let at = token.start;
            match &token.lexeme {
                Lexeme::VersionDirective { major, minor } => {
                    if version {
                        return Err(plain_failure(at, "found duplicate %YAML directive"));
                    }
                    if (*major, *minor) != (1, 1) {
                        return Err(plain_failure(at, "found incompatible YAML document"));
                    }
                    version = true;
                }
                Lexeme::TagDirective(directive) => {
                    let directive = (SmolStr::new(directive.0), SmolStr::new(&directive.1));
                    if self.directives.iter().any(|(known, _)| *known == directive.0) {
                        return Err(plain_failure(at, "found duplicate %TAG directive"));
                    }
                    self.directives.push(directive);
                }
                _ => return Ok(()),
            }
            self.take();
        }
    }
}

fn plain_failure(at: Mark, problem: &'static str) -> super::Trouble {
    super::Trouble::Syntax(Box::new(Failure {
        scanner: false,
        context_line: 0,
        problem_line: at.line,
        problem: problem.into(),
    }))
}
