//! Trees to text, the same bytes as Go's yaml v3 encoder as kyaml sets it up: indent 2, lines never folded.

mod analyze;
mod comment;
mod scalar;
pub(crate) mod writer;

use std::borrow::Cow;

use crate::compose::Document;
use crate::node::{Kind, LONG_PREFIX, Node, Style, Tag};
use crate::resolve;
use analyze::Analysis;
pub(crate) use analyze::analyze;
use writer::Writer;

/// Where the dashes of a sequence in a mapping stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SequenceIndent {
    /// In the column of the key.
    #[default]
    Compact,
    /// Two columns further in.
    Wide,
}

/// One document.
pub fn emit(node: &Node) -> String {
    emit_with(node, SequenceIndent::Compact)
}

/// One document with sequences indented as told.
pub fn emit_with(node: &Node, indent: SequenceIndent) -> String {
    let mut emitter = Emitter::new(indent);
    emitter.document(node, "", "", true);
    emitter.writer.into_text()
}

/// Documents of a stream, parted by `---`.
pub fn emit_documents(documents: &[Document], indent: SequenceIndent) -> String {
    let mut emitter = Emitter::new(indent);
    for (at, document) in documents.iter().enumerate() {
        emitter.document(&document.root, &document.head, &document.foot, at == 0);
    }
    emitter.writer.into_text()
}

/// Around a node.
#[derive(Clone, Copy, Default)]
struct Place {
    in_mapping: bool,
    simple_key: bool,
    /// An item of a block sequence: what is in it lines up behind the dash.
    in_block_sequence: bool,
}

const VALUE: Place = Place { in_mapping: true, simple_key: false, in_block_sequence: false };
const SIMPLE_KEY: Place = Place { in_mapping: true, simple_key: true, in_block_sequence: false };
const ITEM: Place = Place { in_mapping: false, simple_key: false, in_block_sequence: true };
const FLOW_ITEM: Place = Place { in_mapping: false, simple_key: false, in_block_sequence: false };

/// What comes after a scalar, and after the beginning of a collection: before what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Comments,
    /// In a flow collection a comma goes before comments.
    CommaAndComments,
}

/// Comments wait here from the moment their event comes up until the place where they are written,
/// which may be after other nodes.
struct Emitter<'a> {
    writer: Writer,
    compact: bool,
    head: Cow<'a, str>,
    line: Cow<'a, str>,
    foot: Cow<'a, str>,
    tail: Cow<'a, str>,
    key_line: Cow<'a, str>,
    /// The address of a key that is a collection: its foot is written later, as that of any key.
    footless: usize,
}

/// What of a node is written besides its content.
struct Dress<'a> {
    tag: Option<&'a Tag>,
    style: Style,
    analysis: Analysis,
}

impl<'a> Emitter<'a> {
    fn new(indent: SequenceIndent) -> Self {
        Emitter {
            writer: Writer::new(usize::MAX),
            compact: indent == SequenceIndent::Compact,
            head: Cow::Borrowed(""),
            line: Cow::Borrowed(""),
            foot: Cow::Borrowed(""),
            tail: Cow::Borrowed(""),
            key_line: Cow::Borrowed(""),
            footless: 0,
        }
    }

    fn document(&mut self, root: &'a Node, head: &'a str, foot: &'a str, first: bool) {
        load(&mut self.head, head);
        self.writer.indent = -1;
        if !first {
            self.writer.write_indent();
            self.writer.indicator("---", true, false, false);
            self.writer.write_indent();
        }
        if !self.head.is_empty() {
            self.write_head();
            self.writer.put_break();
        }
        self.load_start(root, "");
        self.write_head();
        let dress = dress(root);
        self.node(root, &dress, FLOW_ITEM, After::Comments);
        load(&mut self.foot, foot);
        self.writer.foot_indent = 0;
        self.write_foot();
        self.writer.foot_indent = -1;
        self.writer.write_indent();
    }

    fn load_start(&mut self, node: &'a Node, tail: &'a str) {
        match node.kind {
            Kind::Scalar(_) => load(&mut self.tail, tail),
            Kind::Mapping(_) => load(&mut self.tail, tail),
            Kind::Sequence(_) | Kind::Alias(_) => {}
        }
        let Some(comments) = &node.comments else { return };
        load(&mut self.head, &comments.head);
        if matches!(node.kind, Kind::Scalar(_) | Kind::Alias(_)) {
            load(&mut self.line, &comments.line);
            load(&mut self.foot, &comments.foot);
        }
    }

    fn load_end(&mut self, node: &'a Node, tail: &'a str) {
        load(&mut self.tail, tail);
        if let Some(comments) = &node.comments {
            load(&mut self.line, &comments.line);
            if self.footless != std::ptr::from_ref(node) as usize {
                load(&mut self.foot, &comments.foot);
            }
        }
    }

    fn has_trailing_comment(&self) -> bool {
        !self.line.is_empty() || !self.foot.is_empty() || !self.tail.is_empty()
    }

    fn node(&mut self, node: &'a Node, dress: &Dress<'a>, place: Place, after: After) {
        match &node.kind {
            Kind::Alias(name) => {
                self.writer.indicator("*", true, false, false);
                self.writer.anchor(name);
                self.after(after);
            }
            Kind::Scalar(text) => {
                self.scalar(node, text, dress, place);
                self.after(after);
            }
            Kind::Sequence(items) => {
                self.write_anchor(node);
                self.write_tag(dress.tag);
                self.after(after);
                if self.writer.flow_level > 0 || node.style == Style::Flow || items.is_empty() {
                    self.flow_sequence(node, items, place);
                } else {
                    self.block_sequence(node, items, place);
                }
            }
            Kind::Mapping(entries) => {
                self.write_anchor(node);
                self.write_tag(dress.tag);
                self.after(after);
                if self.writer.flow_level > 0 || node.style == Style::Flow || entries.is_empty() {
                    self.flow_mapping(node, entries, place);
                } else {
                    self.block_mapping(node, entries, place);
                }
            }
        }
    }

    fn after(&mut self, after: After) {
        if after == After::CommaAndComments && self.has_trailing_comment() {
            self.writer.indicator(",", false, false, false);
        }
        if after != After::Nothing {
            self.write_line();
            self.write_foot();
        }
    }

    fn scalar(&mut self, node: &'a Node, text: &'a str, dress: &Dress<'a>, place: Place) {
        let style = dress.analysis.select_style(
            dress.style,
            text.is_empty(),
            self.writer.flow_level > 0,
            place.simple_key,
        );
        self.write_anchor(node);
        self.write_tag(dress.tag);
        let outer = self.increase_indent(true, place.in_block_sequence, false);
        match style {
            Style::Literal | Style::Folded => {
                self.writer.block_scalar_header(text, style);
                self.write_line_or_break();
                self.writer.block_scalar_body(text, style);
            }
            _ => self.writer.flow_scalar(text, style, !place.simple_key),
        }
        self.writer.indent = outer;
    }

    fn block_sequence(&mut self, node: &'a Node, items: &'a [Node], place: Place) {
        let compact = place.in_mapping && (self.writer.column == 0 || !self.writer.indention) && self.compact;
        let outer = self.increase_indent(false, place.in_block_sequence, compact);
        for item in items {
            self.load_start(item, "");
            self.write_head();
            self.writer.write_indent();
            self.writer.indicator("-", true, false, true);
            let dress = dress(item);
            self.node(item, &dress, ITEM, After::Comments);
        }
        self.load_end(node, "");
        self.writer.indent = outer;
    }

    fn block_mapping(&mut self, node: &'a Node, entries: &'a [(Node, Node)], place: Place) {
        let outer = self.increase_indent(false, place.in_block_sequence, false);
        let mut tail = "";
        for (key, value) in entries {
            self.load_key(key, tail);
            tail = key.foot_comment();
            self.write_head();
            self.writer.write_indent();
            if !self.line.is_empty() {
                self.key_line = std::mem::take(&mut self.line);
            }
            let key_dress = dress(key);
            if is_simple_key(key, &key_dress) {
                self.key(key, &key_dress, SIMPLE_KEY);
                self.load_start(value, "");
                self.writer.indicator(":", false, false, false);
            } else {
                self.writer.indicator("?", true, false, true);
                self.key(key, &key_dress, VALUE);
                self.load_start(value, "");
                self.writer.write_indent();
                self.writer.indicator(":", true, false, true);
            }
            self.place_key_line(value);
            let value_dress = dress(value);
            self.node(value, &value_dress, VALUE, After::Comments);
        }
        self.load_end(node, tail);
        self.write_head();
        self.writer.indent = outer;
    }

    fn key(&mut self, key: &'a Node, dress: &Dress<'a>, place: Place) {
        let outer = std::mem::replace(&mut self.footless, std::ptr::from_ref(key) as usize);
        self.node(key, dress, place, After::Nothing);
        self.footless = outer;
    }

    /// The line comment of a key goes to its scalar, or stands before the block that is its value.
    fn place_key_line(&mut self, value: &Node) {
        if self.key_line.is_empty() {
            return;
        }
        match value.kind {
            Kind::Scalar(_) if self.line.is_empty() => {
                self.line = std::mem::take(&mut self.key_line);
            }
            Kind::Sequence(_) | Kind::Mapping(_) if value.style != Style::Flow => {
                std::mem::swap(&mut self.line, &mut self.key_line);
                self.write_line();
                std::mem::swap(&mut self.line, &mut self.key_line);
            }
            _ => {}
        }
    }

    /// The foot of a key is written with the next key, or at the end: after its value.
    fn load_key(&mut self, key: &'a Node, tail: &'a str) {
        let foot = std::mem::take(&mut self.foot);
        self.load_start(key, tail);
        self.foot = foot;
    }

    fn flow_sequence(&mut self, node: &'a Node, items: &'a [Node], place: Place) {
        self.writer.indicator("[", true, true, false);
        let outer = self.increase_indent(true, place.in_block_sequence, false);
        self.writer.flow_level += 1;
        let mut comma = false;
        for item in items {
            self.load_start(item, "");
            self.begin_flow_entry(comma);
            let trailing = self.has_trailing_comment();
            let dress = dress(item);
            self.node(item, &dress, FLOW_ITEM, After::CommaAndComments);
            comma = !trailing;
        }
        self.load_end(node, "");
        self.writer.flow_level -= 1;
        self.writer.indent = outer;
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
        self.writer.indicator("]", false, false, false);
        self.write_line();
        self.write_foot();
    }

    fn begin_flow_entry(&mut self, comma: bool) {
        if comma {
            self.writer.indicator(",", false, false, false);
        }
        self.write_head();
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
    }

    fn flow_mapping(&mut self, node: &'a Node, entries: &'a [(Node, Node)], place: Place) {
        self.writer.indicator("{", true, true, false);
        let outer = self.increase_indent(true, place.in_block_sequence, false);
        self.writer.flow_level += 1;
        let mut comma = false;
        let mut tail = "";
        for (key, value) in entries {
            self.load_key(key, tail);
            tail = key.foot_comment();
            self.begin_flow_entry(comma);
            let key_dress = dress(key);
            if is_simple_key(key, &key_dress) {
                self.key(key, &key_dress, SIMPLE_KEY);
                self.load_start(value, "");
                self.writer.indicator(":", false, false, false);
            } else {
                self.writer.indicator("?", true, false, false);
                self.key(key, &key_dress, VALUE);
                self.load_start(value, "");
                self.writer.indicator(":", true, false, false);
            }
            let trailing = self.has_trailing_comment();
            let value_dress = dress(value);
            self.node(value, &value_dress, VALUE, After::CommaAndComments);
            comma = !trailing;
        }
        self.load_end(node, tail);
        if comma && (!self.head.is_empty() || !self.foot.is_empty() || !self.tail.is_empty()) {
            self.writer.indicator(",", false, false, false);
        }
        self.write_head();
        self.writer.flow_level -= 1;
        self.writer.indent = outer;
        self.writer.indicator("}", false, false, false);
        self.write_line();
        self.write_foot();
    }

    /// Returns the indent to go back to.
    fn increase_indent(&mut self, flow: bool, in_block_sequence: bool, compact: bool) -> i32 {
        let outer = self.writer.indent;
        self.writer.indent = if outer < 0 {
            if flow { 2 } else { 0 }
        } else if in_block_sequence {
            outer + 2
        } else {
            let deeper = (outer / 2 + 1) * 2;
            if compact { deeper - 2 } else { deeper }
        };
        outer
    }

    fn write_anchor(&mut self, node: &Node) {
        if let Some(name) = node.anchor() {
            self.writer.indicator("&", true, false, false);
            self.writer.anchor(name);
        }
    }

    fn write_tag(&mut self, tag: Option<&Tag>) {
        let Some(tag) = tag else { return };
        let name = tag.as_str();
        if let Some(suffix) = name.strip_prefix("!!").or_else(|| name.strip_prefix(LONG_PREFIX)) {
            self.writer.tag("!!", suffix);
        } else if let Some(suffix) = name.strip_prefix('!') {
            self.writer.tag("!", suffix);
        } else {
            self.writer.tag("", name);
        }
    }
}

fn load<'a>(slot: &mut Cow<'a, str>, text: &'a str) {
    if !text.is_empty() {
        *slot = Cow::Borrowed(text);
    }
}

/// Which tag must be written, and in which style a scalar is wanted.
fn dress(node: &Node) -> Dress<'_> {
    let Kind::Scalar(text) = &node.kind else {
        let implied = match node.kind {
            Kind::Sequence(_) => node.tag == Tag::Seq,
            Kind::Mapping(_) => node.tag == Tag::Map,
            _ => true,
        };
        let tag = (node.tagged || !implied).then_some(&node.tag);
        return Dress { tag, style: node.style, analysis: Analysis::default() };
    };
    let mut tag = Some(&node.tag).filter(|tag| !tag.as_str().is_empty());
    let mut force_quoting = false;
    if !node.tagged && tag.is_some() {
        let quoted = node.tag == Tag::Str && node.style.is_quoting();
        if quoted || resolve::v3_tag(text) == node.tag {
            tag = None;
        } else if node.tag == Tag::Str {
            tag = None;
            force_quoting = true;
        }
    }
    let style = match node.style {
        Style::Default | Style::Flow if text.contains('\n') => Style::Literal,
        Style::Default | Style::Flow if force_quoting => Style::DoubleQuoted,
        Style::Flow => Style::Default,
        style => style,
    };
    Dress { tag, style, analysis: analyze(text, false) }
}

/// Whether the node can stand before a `:` on one line.
fn is_simple_key(node: &Node, dress: &Dress<'_>) -> bool {
    let tag_length = dress.tag.map_or(0, |tag| tag.as_str().len());
    let anchor_length = node.anchor().map_or(0, str::len);
    let length = match &node.kind {
        Kind::Alias(name) => name.len(),
        Kind::Scalar(_) if dress.analysis.multiline => return false,
        Kind::Scalar(text) => anchor_length + tag_length + text.len(),
        Kind::Sequence(items) if items.is_empty() => anchor_length + tag_length,
        Kind::Mapping(entries) if entries.is_empty() => anchor_length + tag_length,
        _ => return false,
    };
    length <= 128
}
