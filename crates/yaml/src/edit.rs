//! Edits that leave every other byte of the text as it was: comments, quotes, indentation, line ends.

use crate::compose::{Composer, Document};
use crate::emit::analyze;
use crate::emit::writer::Writer;
use crate::error::{Dialect, Error};
use crate::node::{Node, Style, Tag};
use crate::parse::{Limits, with_composer};
use crate::resolve;
use crate::scan::Span;

/// A text with its trees, and the edits so far.
pub struct Editor<'a> {
    text: &'a str,
    documents: Vec<Document>,
    /// In order of their places.
    spans: Vec<Span>,
    edits: Vec<(Span, String)>,
}

impl<'a> Editor<'a> {
    pub fn new(text: &'a str, limits: Limits) -> Result<Self, Error> {
        let without_mark = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let (documents, spans) = with_composer(text.as_bytes(), limits, Dialect::V3, |composer| {
            composer.record_spans();
            let mut documents = Vec::new();
            let mut next = Composer::first(composer)?;
            while let Some(document) = next {
                documents.push(document);
                next = Composer::next(composer)?;
            }
            Ok((documents, composer.take_spans()))
        })?;
        let shift = (text.len() - without_mark.len()) as u32;
        let spans = spans
            .into_iter()
            .map(|span| Span { start: span.start + shift, end: span.end + shift, ..span })
            .collect();
        Ok(Editor { text, documents, spans, edits: Vec::new() })
    }

    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Gives the scalar a new text, in the quotes it has where they can hold it. `node` is one of this text's trees.
    /// False when it is no scalar of this text.
    pub fn replace(&mut self, node: &Node, value: &str) -> bool {
        let Some(span) = self.span(node) else { return false };
        let written = written(node, value, span.in_flow);
        self.edits.retain(|(other, _)| other.start != span.start);
        self.edits.push((span, written));
        true
    }

    fn span(&self, node: &Node) -> Option<Span> {
        if !node.is_scalar() || node.line == 0 {
            return None;
        }
        let place = (node.line, node.column);
        let at = self.spans.partition_point(|span| (span.line, span.column) < place);
        let span = *self.spans.get(at)?;
        // A node begins at its anchor or tag, its scalar a little later.
        let same = (span.line, span.column) == place || node.anchor.is_some() || node.tagged;
        same.then_some(span)
    }

    /// The text with the edits.
    pub fn finish(mut self) -> String {
        self.edits.sort_by_key(|(span, _)| span.start);
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for (span, written) in &self.edits {
            let (start, end) = (span.start as usize, span.end as usize);
            out.push_str(&self.text[at..start]);
            out.push_str(written);
            at = end;
        }
        out.push_str(&self.text[at..]);
        out
    }
}

/// The scalar on one line, in its own style where that can hold the text.
fn written(node: &Node, value: &str, in_flow: bool) -> String {
    let wanted = match node.style {
        Style::SingleQuoted | Style::DoubleQuoted => node.style,
        _ if node.tag == Tag::Str && resolve::v3_tag(value) != Tag::Str => Style::DoubleQuoted,
        _ if value.contains('\n') => Style::DoubleQuoted,
        _ => Style::Default,
    };
    let analysis = analyze(value, false);
    let style = analysis.select_style(wanted, value.is_empty(), in_flow, true);
    let mut writer = Writer::new(usize::MAX);
    writer.flow_scalar(value, style, false);
    let mut text = writer.into_text();
    if matches!(node.style, Style::Literal | Style::Folded) {
        // A block scalar ended with its line.
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, path: &[&str], value: &str) -> String {
        let mut editor = Editor::new(text, Limits::default()).unwrap();
        let node = editor.documents()[0].root.at(path).unwrap().clone();
        assert!(editor.replace(&node, value));
        editor.finish()
    }

    #[test]
    fn only_the_scalar_changes() {
        let text = "# é\r\nspec:\r\n    image:   x:1 # {\"$imagepolicy\": \"ns:p\"}\r\n    other:  'y'\r\n";
        assert_eq!(edited(text, &["spec", "image"], "x:2"), text.replace("x:1", "x:2"));
        assert_eq!(edited(text, &["spec", "other"], "it's"), text.replace("'y'", "'it''s'"));
    }

    #[test]
    fn a_text_that_would_turn_into_a_number_is_quoted() {
        assert_eq!(edited("tag: v1 # x\n", &["tag"], "1.0"), "tag: \"1.0\" # x\n");
        assert_eq!(edited("tag: 1.1 # x\n", &["tag"], "1.0"), "tag: 1.0 # x\n");
        assert_eq!(edited("tags: [a, b]\n", &["tags", "[1]"], "c, d"), "tags: [a, 'c, d']\n");
    }

    #[test]
    fn blocks_and_folded_lines_become_one_line() {
        assert_eq!(edited("a: |\n  x\n  y\nb: 1\n", &["a"], "z"), "a: z\nb: 1\n");
        assert_eq!(edited("a: x\n  y\nb: 1\n", &["a"], "z\nw"), "a: \"z\\nw\"\nb: 1\n");
        assert_eq!(edited("a: &n !t x # c\n", &["a"], "z"), "a: &n !t z # c\n");
        assert_eq!(edited("\u{FEFF}a: x\n", &["a"], "z"), "\u{FEFF}a: z\n");
    }
}
