//! Tokens to trees: libyaml's grammar, its error texts, and the comments where yaml v3 puts them.

mod collection;
mod document;

pub use document::Document;

use std::borrow::Cow;
use std::collections::HashSet;

use smol_str::SmolStr;

use crate::error::{Dialect, Error, Failure};
use crate::node::{Comments, Kind, LONG_PREFIX, Node, Style, Tag};
use crate::resolve;
use crate::scan::{Comment, Lexeme, Mark, Place, Scanner, Span, Token};

/// Either a failure whose line the dialect tells, or one that is told as it is.
pub(crate) enum Trouble {
    Syntax(Box<Failure>),
    Plain(Box<Error>),
}

impl Trouble {
    fn plain(error: Error) -> Trouble {
        Trouble::Plain(Box::new(error))
    }
}

impl From<Box<Failure>> for Trouble {
    fn from(failure: Box<Failure>) -> Self {
        Trouble::Syntax(failure)
    }
}

type Compose<T> = Result<T, Trouble>;

/// Comments that have been passed but belong to no node yet.
#[derive(Default)]
struct Pending<'a> {
    head: Cow<'a, str>,
    line: Cow<'a, str>,
    foot: Cow<'a, str>,
    /// The head of a sequence entry that turned out to be the head of the collection in it.
    stem: Option<String>,
}

pub(crate) struct Composer<'a> {
    scanner: Scanner<'a>,
    dialect: Dialect,
    depth: u32,
    depth_limit: u32,
    pending: Pending<'a>,
    anchors: HashSet<SmolStr>,
    directives: Vec<(SmolStr, SmolStr)>,
    /// A failure that is told only when the node in work is done.
    unminded: Option<Trouble>,
    /// What the open sequences and mappings hold so far, the innermost last.
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
}

/// The properties before a node's content.
struct Properties {
    start: Mark,
    /// Most nodes have none.
    given: Option<Box<Given>>,
}

#[derive(Default)]
struct Given {
    anchor: Option<SmolStr>,
    /// As the text resolved it, in long form; `!` stays.
    tag: Option<SmolStr>,
}

impl<'a> Composer<'a> {
    pub fn new(text: &'a str, dialect: Dialect, depth_limit: u32) -> Self {
        Composer {
            scanner: Scanner::new(text, dialect, depth_limit),
            dialect,
            depth: 0,
            depth_limit,
            pending: Pending::default(),
            anchors: HashSet::new(),
            directives: Vec::new(),
            unminded: None,
            items: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// From here on notes where scalars stand.
    pub fn record_spans(&mut self) {
        self.scanner.spans = Some(Vec::new());
    }

    pub fn take_spans(&mut self) -> Vec<Span> {
        self.scanner.spans.take().unwrap_or_default()
    }

    pub fn position(&self) -> usize {
        self.scanner.position()
    }

    #[inline]
    fn peek(&mut self) -> Compose<&Token<'a>> {
        self.scanner.peek()?;
        if !self.scanner.comments.is_empty() {
            let token = self.scanner.peek()?;
            let (index, ends_block) = (token.start.index, matches!(token.lexeme, Lexeme::BlockEnd));
            self.unfold_comments(index, ends_block);
        }
        Ok(self.scanner.peek()?)
    }

    fn take(&mut self) -> Option<Token<'a>> {
        self.scanner.take()
    }

    /// Moves the comments that lie before the token to where the next node finds them.
    fn unfold_comments(&mut self, index: u32, ends_block: bool) {
        while let Some(comment) = self.scanner.comments.front() {
            if index < comment.token.index || comment.place == Place::Head && ends_block {
                break;
            }
            let Some(Comment { place, text, .. }) = self.scanner.comments.pop_front() else { break };
            let target = match place {
                Place::Head => &mut self.pending.head,
                Place::Line => &mut self.pending.line,
                Place::Foot => &mut self.pending.foot,
            };
            if target.is_empty() {
                *target = text;
            } else {
                let target = target.to_mut();
                target.push('\n');
                target.push_str(&text);
            }
        }
    }

    fn take_comments(&mut self) -> Option<Box<Comments>> {
        let pending = &mut self.pending;
        pending.stem = None;
        if pending.head.is_empty() && pending.line.is_empty() && pending.foot.is_empty() {
            return None;
        }
        let text = |part: &mut Cow<'a, str>| SmolStr::new(std::mem::take(part));
        Some(Box::new(Comments {
            head: text(&mut pending.head),
            line: text(&mut pending.line),
            foot: text(&mut pending.foot),
        }))
    }

    fn failure(context: Option<Mark>, at: Mark, problem: &'static str) -> Trouble {
        Trouble::Syntax(Box::new(Failure {
            scanner: false,
            context_line: context.map_or(0, |mark| mark.line),
            problem_line: at.line,
            problem: problem.into(),
        }))
    }

    /// `block`: block collections may begin here. `indentless`: a sequence may begin without indentation.
    fn node(&mut self, block: bool, indentless: bool) -> Compose<Node> {
        self.depth += 1;
        if self.depth > self.depth_limit {
            return Err(Trouble::plain(Error::new(format!("exceeded max depth of {}", self.depth_limit))));
        }
        let node = self.node_inside(block, indentless);
        self.depth -= 1;
        node
    }

    fn node_inside(&mut self, block: bool, indentless: bool) -> Compose<Node> {
        let token = self.peek()?;
        if let Lexeme::Alias(name) = token.lexeme {
            let start = token.start;
            return self.alias(name, start);
        }
        let properties = self.properties()?;
        let token = self.scanner.peek()?;
        match token.lexeme {
            Lexeme::BlockEntry if indentless => {
                let node = self.open(properties, Kind::Sequence(Vec::new()));
                self.indentless_sequence(node)
            }
            Lexeme::Scalar { .. } => {
                let comments = self.take_comments();
                let Some(Token { lexeme: Lexeme::Scalar { value, style }, .. }) = self.take() else {
                    return Err(Trouble::plain(Error::new("internal: the token changed")));
                };
                let mut node = self.scalar(properties, &value, style);
                node.comments = comments;
                Ok(node)
            }
            Lexeme::FlowSequenceStart => {
                let mut node = self.open(properties, Kind::Sequence(Vec::new()));
                node.comments = self.take_comments();
                self.flow_sequence(node)
            }
            Lexeme::FlowMappingStart => {
                let mut node = self.open(properties, Kind::Mapping(Vec::new()));
                node.comments = self.take_comments();
                self.flow_mapping(node)
            }
            Lexeme::BlockSequenceStart if block => {
                let mut node = self.open(properties, Kind::Sequence(Vec::new()));
                self.put_stem(&mut node);
                self.block_sequence(node)
            }
            Lexeme::BlockMappingStart if block => {
                let mut node = self.open(properties, Kind::Mapping(Vec::new()));
                self.put_stem(&mut node);
                self.block_mapping(node)
            }
            _ if properties.given.is_some() => Ok(self.scalar(properties, "", Style::Default)),
            _ => {
                let at = token.start;
                Err(Self::failure(Some(properties.start), at, "did not find expected node content"))
            }
        }
    }

    fn alias(&mut self, name: &str, start: Mark) -> Compose<Node> {
        if !self.anchors.contains(name) {
            return Err(Trouble::plain(Error::new(format!("unknown anchor '{name}' referenced"))));
        }
        let mut node = Node::new(Kind::Alias(name.into()), Tag::Str);
        node.line = start.line + 1;
        node.column = start.column + 1;
        node.comments = self.take_comments();
        self.take();
        Ok(node)
    }

    /// An anchor and a tag, in either order. Nothing is peeked at where there is none.
    fn properties(&mut self) -> Compose<Properties> {
        let token = self.scanner.peek()?;
        let start = token.start;
        let first_is_tag = match token.lexeme {
            Lexeme::Anchor(_) => false,
            Lexeme::Tag(_) => true,
            _ => return Ok(Properties { start, given: None }),
        };
        let mut given = Given::default();
        let mut written = None;
        for is_tag in [first_is_tag, !first_is_tag] {
            let token = self.peek()?;
            match &token.lexeme {
                Lexeme::Anchor(name) if !is_tag => given.anchor = Some(SmolStr::new(name)),
                Lexeme::Tag(tag) if is_tag => written = Some((tag.clone(), token.start)),
                _ => break,
            }
            self.take();
        }
        self.peek()?;
        if let Some((tag, mark)) = written {
            given.tag = self.resolve_tag(&tag.0, &tag.1);
            if given.tag.is_none() {
                return Err(Self::failure(Some(start), mark, "found undefined tag handle"));
            }
        }
        Ok(Properties { start, given: Some(Box::new(given)) })
    }

    fn resolve_tag(&self, handle: &str, suffix: &str) -> Option<SmolStr> {
        if handle.is_empty() {
            return Some(suffix.into());
        }
        let prefix = match self.directives.iter().find(|(known, _)| known == handle) {
            Some((_, prefix)) => prefix,
            None => match handle {
                "!" => "!",
                "!!" => LONG_PREFIX,
                _ => return None,
            },
        };
        Some(smol_str::format_smolstr!("{prefix}{suffix}")).filter(|tag| !tag.is_empty())
    }

    /// A node with its properties and position, its anchor made known.
    fn open(&mut self, properties: Properties, kind: Kind) -> Node {
        let default = if matches!(kind, Kind::Sequence(_)) { Tag::Seq } else { Tag::Map };
        let mut node = Node::new(kind, default);
        node.line = properties.start.line + 1;
        node.column = properties.start.column + 1;
        if let Some(given) = properties.given {
            if let Some(tag) = given.tag.filter(|tag| tag != "!") {
                node.tag = Tag::from_name(&tag);
                node.tagged = true;
            }
            self.put_anchor(&mut node, given.anchor);
        }
        node
    }

    fn put_anchor(&mut self, node: &mut Node, anchor: Option<SmolStr>) {
        if let Some(name) = anchor {
            self.anchors.insert(name.clone());
            node.anchor = Some(Box::new(name));
        }
    }

    fn put_stem(&mut self, node: &mut Node) {
        if let Some(stem) = self.pending.stem.take() {
            node.comments_mut().head = stem.into();
        }
    }

    fn scalar(&mut self, properties: Properties, value: &str, style: Style) -> Node {
        let mut node = Node::new(Kind::Scalar(SmolStr::new(value)), Tag::Str);
        node.style = style;
        node.line = properties.start.line + 1;
        node.column = properties.start.column + 1;
        if let Some(given) = properties.given {
            self.put_anchor(&mut node, given.anchor);
            // v2 takes even a lone `!` for a tag.
            if let Some(tag) = given.tag.filter(|tag| tag != "!" || self.dialect == Dialect::V2) {
                node.tag = Tag::from_name(&tag);
                node.tagged = true;
                return node;
            }
        }
        // v2 resolves when it decodes.
        if self.dialect == Dialect::V3 && !style.is_quoting() {
            node.tag = if value == "<<" { Tag::Merge } else { resolve::v3_tag(value) };
        }
        node
    }
}

fn empty_scalar(at: Mark) -> Node {
    let mut node = Node::new(Kind::Scalar(SmolStr::default()), Tag::Null);
    node.line = at.line + 1;
    node.column = at.column + 1;
    node
}
