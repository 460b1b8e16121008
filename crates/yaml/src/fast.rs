//! The short way for ordinary texts: block and flow collections of untagged scalars, without anchors, directives or
//! anything that is wrong. No token is queued; whatever is out of the ordinary ends the attempt, and the text is read
//! again by `Composer`, which knows everything and tells what is wrong.

use std::borrow::Cow;

use crate::node::{Kind, Node, Style, Tag};
use crate::resolve;
use crate::scan::{Lexeme, Mark, Scanner};

/// What a text is made into. `None` ends the attempt.
pub(crate) trait Build {
    type Out;
    type Items;
    type Entries;
    /// Whether the text of a block scalar that comes next is looked at.
    fn is_text_wanted(&self) -> bool {
        true
    }
    fn scalar(&mut self, text: &str, style: Style, at: Mark) -> Option<Self::Out>;
    fn begin_sequence(&mut self) -> Self::Items;
    fn item(&mut self, items: &mut Self::Items, item: Self::Out);
    fn end_sequence(&mut self, items: Self::Items, at: Mark, flow: bool) -> Self::Out;
    fn begin_mapping(&mut self) -> Self::Entries;
    fn key(&mut self, entries: &mut Self::Entries, text: &str, style: Style, at: Mark) -> Option<()>;
    /// The value of the key told last.
    fn value(&mut self, entries: &mut Self::Entries, value: Self::Out);
    fn end_mapping(&mut self, entries: Self::Entries, at: Mark, flow: bool) -> Self::Out;
}

/// What stands after the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing may.
    Nothing,
    /// Other documents may; they are not looked at.
    Documents,
}

pub(crate) struct Fast<'a, B> {
    scanner: Scanner<'a>,
    build: B,
    depth_left: u32,
    /// Whether comments are passed over; else they end the attempt.
    skip_comments: bool,
    rest: Rest,
}

/// The first document of the text. `None`: read it in the usual way.
pub(crate) fn first<B: Build>(
    scanner: Scanner<'_>,
    build: B,
    depth: u32,
    skip_comments: bool,
    rest: Rest,
) -> Option<B::Out> {
    let mut fast = Fast { scanner, build, depth_left: depth, skip_comments, rest };
    fast.skip_space()?;
    if fast.scanner.at_document_indicator() {
        if fast.scanner.byte(0) != b'-' {
            return None;
        }
        fast.scanner.skip_ascii(3);
        if !fast.scanner.at_breakz() {
            return None;
        }
        fast.skip_space()?;
    }
    if fast.ends() {
        return None;
    }
    fast.scanner.indent = -1;
    let root = fast.block_node()?;
    fast.skip_space()?;
    if !skip_comments && !fast.scanner.comments.is_empty() {
        return None;
    }
    let at_rest = fast.scanner.at_end() || fast.rest == Rest::Documents && fast.at_document_start();
    at_rest.then_some(root)
}

impl<'a, B: Build> Fast<'a, B> {
    /// Over spaces, line breaks and comments.
    fn skip_space(&mut self) -> Option<()> {
        loop {
            match self.scanner.byte(0) {
                b' ' => self.scanner.skip_spaces(),
                b'\n' => self.scanner.skip_line(),
                b'\r' | b'\t' => return None,
                b'#' if self.skip_comments => self.scanner.skip_to_break(),
                b'#' => return None,
                0xC2 | 0xE2 if self.scanner.at_break() => return None,
                _ => return Some(()),
            }
        }
    }

    /// The document ends here.
    fn ends(&self) -> bool {
        self.scanner.at_end() || self.scanner.at_document_indicator()
    }

    fn at_document_start(&self) -> bool {
        self.scanner.at_document_indicator() && self.scanner.byte(0) == b'-'
    }

    fn at_entry(&self) -> bool {
        self.scanner.byte(0) == b'-' && self.scanner.at_blankz(1)
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth_left = self.depth_left.checked_sub(1)?;
        let parsed = parse(self);
        self.depth_left += 1;
        parsed
    }

    /// A node that begins here, be it on its own line or behind a dash. `scanner.indent` is that of what holds it.
    fn block_node(&mut self) -> Option<B::Out> {
        let at = self.scanner.mark();
        if self.at_entry() {
            return self.deeper(|fast| fast.block_sequence(at, true));
        }
        match self.scanner.byte(0) {
            b'[' | b'{' => {
                let node = self.flow_node()?;
                self.line_ends().then_some(node)
            }
            b'|' | b'>' => self.block_scalar(at),
            _ => {
                let (text, style) = self.flow_scalar()?;
                if self.is_key(at)? {
                    let outer = self.scanner.indent;
                    let node = self.deeper(|fast| fast.block_mapping(at, &text, style));
                    self.scanner.indent = outer;
                    return node;
                }
                self.line_ends().then(|| self.build.scalar(&text, style, at))?
            }
        }
    }

    /// Whether the scalar just read is a key. `None` where it can neither be one nor stand alone.
    fn is_key(&mut self, at: Mark) -> Option<bool> {
        let here = self.scanner.mark();
        if !self.scanner.newlines_passed() {
            self.scanner.skip_spaces();
        }
        let key = self.scanner.byte(0) == b':' && self.scanner.at_blankz(1);
        let near = here.line == at.line && here.index - at.index <= 512;
        if key && !near { None } else { Some(key) }
    }

    /// Nothing else stands on this line.
    fn line_ends(&mut self) -> bool {
        // A plain or block scalar has been read up to the next line's text.
        if self.scanner.newlines_passed() {
            return true;
        }
        self.scanner.skip_spaces();
        matches!(self.scanner.byte(0), b'\n' | b'#') || self.scanner.at_end()
    }

    /// A plain or quoted scalar.
    fn flow_scalar(&mut self) -> Option<(Cow<'a, str>, Style)> {
        let lexeme = match self.scanner.byte(0) {
            b'\'' => self.scanner.scan_quoted(Style::SingleQuoted),
            b'"' => self.scanner.scan_quoted(Style::DoubleQuoted),
            b'-' | b'?' | b':' if self.scanner.at_blankz(1) => return None,
            b'?' | b':' if self.scanner.in_flow() => return None,
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'|' | b'>' | b'#' | b',' | b'[' | b']' | b'{'
            | b'}' | b'\t' | b'\r' | b'\n' => return None,
            _ => self.scanner.scan_plain(),
        };
        match lexeme.ok()? {
            Lexeme::Scalar { value, style } if style.is_quoting() || !value.is_empty() => {
                Some((value, style))
            }
            _ => None,
        }
    }

    fn block_scalar(&mut self, at: Mark) -> Option<B::Out> {
        let style = if self.scanner.byte(0) == b'|' { Style::Literal } else { Style::Folded };
        self.scanner.skips_block_text = !self.build.is_text_wanted();
        match self.scanner.scan_block_scalar(style).ok()? {
            Lexeme::Scalar { value, style } => self.build.scalar(&value, style, at),
            _ => None,
        }
    }

    fn block_sequence(&mut self, at: Mark, indented: bool) -> Option<B::Out> {
        let outer = self.scanner.indent;
        let column = at.column;
        if indented {
            if i64::from(outer) >= i64::from(column) {
                return None;
            }
            self.scanner.indent = column as i32;
        }
        let mut items = self.build.begin_sequence();
        loop {
            self.scanner.skip_ascii(1);
            let after_dash = self.scanner.mark();
            self.skip_space()?;
            let here = self.scanner.mark();
            let item = if !self.ends() && (here.line == after_dash.line || here.column > column) {
                self.block_node()?
            } else {
                self.build.scalar("", Style::Default, after_dash)?
            };
            self.build.item(&mut items, item);
            self.skip_space()?;
            if self.ends() || self.scanner.mark().column < column {
                break;
            }
            if self.scanner.mark().column > column {
                return None;
            }
            if !self.at_entry() {
                if indented {
                    return None;
                }
                break;
            }
        }
        self.scanner.indent = outer;
        Some(self.build.end_sequence(items, at, false))
    }

    /// From behind the first key on.
    fn block_mapping(&mut self, at: Mark, key: &str, style: Style) -> Option<B::Out> {
        let column = at.column;
        if i64::from(self.scanner.indent) >= i64::from(column) {
            return None;
        }
        self.scanner.indent = column as i32;
        let mut entries = self.build.begin_mapping();
        self.build.key(&mut entries, key, style, at)?;
        loop {
            let value = self.block_value(column)?;
            self.build.value(&mut entries, value);
            self.skip_space()?;
            if self.ends() || self.scanner.mark().column < column {
                return Some(self.build.end_mapping(entries, at, false));
            }
            let here = self.scanner.mark();
            if here.column > column || self.at_entry() {
                return None;
            }
            let (text, style) = self.flow_scalar()?;
            if !self.is_key(here)? {
                return None;
            }
            self.build.key(&mut entries, &text, style, here)?;
        }
    }

    /// From the `:` on.
    fn block_value(&mut self, column: u32) -> Option<B::Out> {
        self.scanner.skip_ascii(1);
        let after_colon = self.scanner.mark();
        self.skip_space()?;
        let here = self.scanner.mark();
        if here.line == after_colon.line && !self.scanner.at_end() {
            return match self.scanner.byte(0) {
                b'[' | b'{' => {
                    let node = self.flow_node()?;
                    self.line_ends().then_some(node)
                }
                b'|' | b'>' => self.block_scalar(here),
                _ => {
                    let (text, style) = self.flow_scalar()?;
                    if !self.line_ends() {
                        return None;
                    }
                    self.build.scalar(&text, style, here)
                }
            };
        }
        if !self.ends() {
            if here.column > column {
                return self.block_node();
            }
            if here.column == column && self.at_entry() {
                return self.deeper(|fast| fast.block_sequence(here, false));
            }
        }
        self.build.scalar("", Style::Default, after_colon)
    }

    fn flow_node(&mut self) -> Option<B::Out> {
        let at = self.scanner.mark();
        match self.scanner.byte(0) {
            b'[' => self.deeper(|fast| {
                fast.scanner.enter_flow();
                let node = fast.flow_sequence(at);
                fast.scanner.leave_flow();
                node
            }),
            b'{' => self.deeper(|fast| {
                fast.scanner.enter_flow();
                let node = fast.flow_mapping(at);
                fast.scanner.leave_flow();
                node
            }),
            _ => {
                let (text, style) = self.flow_scalar()?;
                self.build.scalar(&text, style, at)
            }
        }
    }

    fn flow_sequence(&mut self, at: Mark) -> Option<B::Out> {
        self.scanner.skip_ascii(1);
        let mut items = self.build.begin_sequence();
        loop {
            self.skip_space()?;
            if self.scanner.byte(0) == b']' {
                break;
            }
            let item = self.flow_node()?;
            self.build.item(&mut items, item);
            if !self.comma(b']')? {
                break;
            }
        }
        self.scanner.skip_ascii(1);
        Some(self.build.end_sequence(items, at, true))
    }

    fn flow_mapping(&mut self, at: Mark) -> Option<B::Out> {
        self.scanner.skip_ascii(1);
        let mut entries = self.build.begin_mapping();
        loop {
            self.skip_space()?;
            if self.scanner.byte(0) == b'}' {
                break;
            }
            let here = self.scanner.mark();
            let (text, style) = self.flow_scalar()?;
            let end = self.scanner.mark();
            self.scanner.skip_spaces();
            if self.scanner.byte(0) != b':' || end.line != here.line || end.index - here.index > 512 {
                return None;
            }
            self.build.key(&mut entries, &text, style, here)?;
            self.scanner.skip_ascii(1);
            self.skip_space()?;
            let value = self.flow_node()?;
            self.build.value(&mut entries, value);
            if !self.comma(b'}')? {
                break;
            }
        }
        self.scanner.skip_ascii(1);
        Some(self.build.end_mapping(entries, at, true))
    }

    /// True after a comma, false at the closing bracket.
    fn comma(&mut self, closing: u8) -> Option<bool> {
        self.skip_space()?;
        match self.scanner.byte(0) {
            b',' => {
                self.scanner.skip_ascii(1);
                Some(true)
            }
            byte if byte == closing => Some(false),
            _ => None,
        }
    }
}

/// Builds trees by the v3 rules.
#[derive(Default)]
pub(crate) struct Nodes {
    /// What the open collections hold so far, the innermost last.
    items: Vec<Node>,
    keys: Vec<Node>,
    entries: Vec<(Node, Node)>,
}

fn placed(kind: Kind, tag: Tag, style: Style, at: Mark) -> Node {
    Node { style, line: at.line + 1, column: at.column + 1, ..Node::new(kind, tag) }
}

fn scalar_node(text: &str, style: Style, at: Mark) -> Node {
    let tag = match style {
        Style::Default if text == "<<" => Tag::Merge,
        Style::Default => resolve::v3_tag(text),
        _ => Tag::Str,
    };
    placed(Kind::Scalar(text.into()), tag, style, at)
}

fn collection_style(flow: bool) -> Style {
    if flow { Style::Flow } else { Style::Default }
}

impl Build for Nodes {
    type Out = Node;
    /// Where they begin in the common list.
    type Items = usize;
    type Entries = usize;

    fn scalar(&mut self, text: &str, style: Style, at: Mark) -> Option<Node> {
        Some(scalar_node(text, style, at))
    }

    fn begin_sequence(&mut self) -> usize {
        self.items.len()
    }

    fn item(&mut self, _: &mut usize, item: Node) {
        self.items.push(item);
    }

    fn end_sequence(&mut self, base: usize, at: Mark, flow: bool) -> Node {
        let items = self.items.split_off(base);
        placed(Kind::Sequence(items), Tag::Seq, collection_style(flow), at)
    }

    fn begin_mapping(&mut self) -> usize {
        self.entries.len()
    }

    fn key(&mut self, _: &mut usize, text: &str, style: Style, at: Mark) -> Option<()> {
        self.keys.push(scalar_node(text, style, at));
        Some(())
    }

    fn value(&mut self, _: &mut usize, value: Node) {
        if let Some(key) = self.keys.pop() {
            self.entries.push((key, value));
        }
    }

    fn end_mapping(&mut self, base: usize, at: Mark, flow: bool) -> Node {
        let entries = self.entries.split_off(base);
        placed(Kind::Mapping(entries), Tag::Map, collection_style(flow), at)
    }
}
