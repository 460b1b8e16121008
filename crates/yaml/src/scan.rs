//! Text to tokens: libyaml's scanner rules, with the comments as yaml v3 gathers them.

mod block;
mod chars;
mod comment;
mod fetch;
mod scalar;
mod tag;

use std::borrow::Cow;
use std::collections::VecDeque;

pub(crate) use comment::{Comment, Place};

use crate::error::{Dialect, Failure};
use crate::node::Style;

/// A place in the text, all counted from 0. `index` is in bytes, `column` in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub index: u32,
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lexeme<'a> {
    StreamStart,
    StreamEnd,
    VersionDirective {
        major: u8,
        minor: u8,
    },
    TagDirective(Box<(&'a str, Cow<'a, str>)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    FlowEntry,
    BlockEntry,
    /// Whether it was a `?`; else it stands before a simple key and takes no room.
    Key {
        explicit: bool,
    },
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// Handle and suffix.
    Tag(Box<(Cow<'a, str>, Cow<'a, str>)>),
    Scalar {
        value: Cow<'a, str>,
        style: Style,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Token<'a> {
    pub lexeme: Lexeme<'a>,
    pub start: Mark,
}

impl Token<'_> {
    /// Where an indicator ends.
    pub fn end(&self) -> Mark {
        match self.lexeme {
            Lexeme::Key { explicit: false } => self.start,
            _ => Mark { index: self.start.index + 1, column: self.start.column + 1, ..self.start },
        }
    }
}

/// A place where a key without `?` may have begun.
#[derive(Debug, Clone, Copy)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    dialect: Dialect,
    depth_limit: u32,
    mark: Mark,
    /// Line breaks since the last character that was not blank.
    newlines: u32,
    started: bool,
    /// The front token is certain.
    ready: bool,
    tokens: VecDeque<Token<'a>>,
    /// How many tokens have been handed out.
    taken: usize,
    pub indent: i32,
    indents: Vec<i32>,
    flow_level: u32,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Tokens that may turn out to be keys, and the place in `simple_keys` to ask; by rising number.
    /// An entry outlives its key here and there, which reads further ahead than needed: that is libyaml's way.
    awaited: VecDeque<(usize, usize)>,
    pub comments: VecDeque<Comment<'a>>,
    /// The text of block scalars is read over, and not kept.
    pub skips_block_text: bool,
    /// Where the scalars stand, when somebody asked for it.
    pub spans: Option<Vec<Span>>,
}

/// Where a scalar stands in the text: `line` and `column` count from 1, `start` and `end` in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub line: u32,
    pub column: u32,
    pub start: u32,
    pub end: u32,
    pub in_flow: bool,
}

type Scan<T> = Result<T, Box<Failure>>;

impl<'a> Scanner<'a> {
    /// `text` holds no NUL (control characters are refused before), so that NUL can stand for the end.
    pub fn new(text: &'a str, dialect: Dialect, depth_limit: u32) -> Self {
        Scanner {
            text,
            bytes: text.as_bytes(),
            dialect,
            depth_limit,
            mark: Mark::default(),
            newlines: 0,
            started: false,
            ready: false,
            tokens: VecDeque::with_capacity(16),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey {
                possible: false,
                required: false,
                token: 0,
                mark: Mark::default(),
            }],
            awaited: VecDeque::new(),
            comments: VecDeque::new(),
            skips_block_text: false,
            spans: None,
        }
    }

    /// How far the text has been read.
    pub fn position(&self) -> usize {
        self.mark.index as usize
    }

    /// The next token, which stays in the queue.
    #[inline]
    pub fn peek(&mut self) -> Scan<&Token<'a>> {
        if !self.ready {
            self.fill()?;
        }
        Ok(&self.tokens[0])
    }

    /// Takes the token that was peeked at.
    pub fn take(&mut self) -> Option<Token<'a>> {
        self.taken += 1;
        self.ready = false;
        self.tokens.pop_front()
    }

    /// Fetches until the first token is certain: no `Key` can be put before it any more. Comments need two tokens more.
    fn fill(&mut self) -> Scan<()> {
        let ahead = if self.dialect == Dialect::V3 { 2 } else { 0 };
        loop {
            if self.tokens.len() > ahead && !self.front_may_be_key()? {
                self.ready = true;
                return Ok(());
            }
            self.fetch_next()?;
        }
    }

    fn front_may_be_key(&mut self) -> Scan<bool> {
        while let Some(&(token, at)) = self.awaited.front() {
            if token >= self.taken {
                return if token == self.taken { self.simple_key_is_valid(at) } else { Ok(false) };
            }
            self.awaited.pop_front();
        }
        Ok(false)
    }

    // Reading characters.

    #[inline]
    pub fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.mark.index as usize + ahead).copied().unwrap_or(0)
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.mark.index as usize..).unwrap_or_default()
    }

    pub fn at_blankz(&self, ahead: usize) -> bool {
        let at = self.mark.index as usize + ahead;
        self.bytes.get(at..).is_none_or(chars::is_blankz)
    }

    #[inline]
    pub fn at_break(&self) -> bool {
        match self.byte(0) {
            b'\n' | b'\r' => true,
            0xC2 | 0xE2 => chars::break_width(self.rest()) > 0,
            _ => false,
        }
    }

    pub fn at_breakz(&self) -> bool {
        let rest = self.rest();
        rest.is_empty() || chars::break_width(rest) > 0
    }

    pub fn at_end(&self) -> bool {
        self.mark.index as usize >= self.bytes.len()
    }

    /// Over one character that is no line break.
    fn skip(&mut self) {
        let byte = self.byte(0);
        if byte != b' ' && byte != b'\t' {
            self.newlines = 0;
        }
        self.mark.index += chars::width(byte);
        self.mark.column += 1;
    }

    /// Over `count` ASCII characters.
    pub fn skip_ascii(&mut self, count: u32) {
        self.newlines = 0;
        self.mark.index += count;
        self.mark.column += count;
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(0), b' ' | b'\t') {
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    pub fn skip_spaces(&mut self) {
        while self.byte(0) == b' ' {
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// A line break has been passed since the last character that was not blank.
    pub fn newlines_passed(&self) -> bool {
        self.newlines > 0
    }

    pub fn in_flow(&self) -> bool {
        self.flow_level > 0
    }

    pub fn enter_flow(&mut self) {
        self.flow_level += 1;
    }

    pub fn leave_flow(&mut self) {
        self.flow_level -= 1;
    }

    /// Over one line break, if there is one here.
    pub fn skip_line(&mut self) {
        let width = chars::break_width(self.rest());
        if width > 0 {
            self.mark.index += width;
            self.mark.column = 0;
            self.mark.line += 1;
            self.newlines += 1;
        }
    }

    /// Over one line break, which is put into `out` as libyaml spells it.
    fn read_line(&mut self, out: &mut String) {
        let rest = self.rest();
        let width = chars::break_width(rest);
        if width == 0 {
            return;
        }
        match rest[..width as usize] {
            [0xE2, 0x80, 0xA8] => out.push('\u{2028}'),
            [0xE2, 0x80, 0xA9] => out.push('\u{2029}'),
            _ => out.push('\n'),
        }
        self.skip_line();
    }

    /// Over the rest of the line.
    pub fn skip_to_break(&mut self) {
        let rest = self.rest();
        let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
        let (mut end, mut wide) = (line.len(), 0);
        if !line.is_ascii() {
            end = 0;
            while let Some(&byte) = line.get(end) {
                match byte {
                    0xC2 | 0xE2 if chars::break_width(&rest[end..]) > 0 => break,
                    0x80..=0xBF => wide += 1,
                    _ => {}
                }
                end += 1;
            }
        }
        if !line[..end].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            self.newlines = 0;
        }
        self.mark.index += end as u32;
        self.mark.column += end as u32 - wide;
    }

    /// A `---` or `...` that stands alone at the beginning of a line.
    pub fn at_document_indicator(&self) -> bool {
        self.mark.column == 0
            && matches!(self.rest(), [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..])
            && self.at_blankz(3)
    }

    fn record_span(&mut self, start: Mark, end: u32) {
        let in_flow = self.flow_level > 0;
        if let Some(spans) = &mut self.spans {
            spans.push(Span {
                line: start.line + 1,
                column: start.column + 1,
                start: start.index,
                end,
                in_flow,
            });
        }
    }

    fn slice(&self, from: u32, to: u32) -> &'a str {
        self.text.get(from as usize..to as usize).unwrap_or_default()
    }

    fn failure<T>(&self, context: Mark, problem: impl Into<Cow<'static, str>>) -> Scan<T> {
        Err(Box::new(Failure {
            scanner: true,
            context_line: context.line,
            problem_line: self.mark.line,
            problem: problem.into(),
        }))
    }

    // The token queue.

    fn push(&mut self, lexeme: Lexeme<'a>, start: Mark) {
        self.tokens.push_back(Token { lexeme, start });
    }

    /// Puts a token of no width before the token with this number; at the end when that is gone.
    fn insert(&mut self, number: usize, lexeme: Lexeme<'a>, mark: Mark) {
        let end = self.tokens.len();
        let at = number.checked_sub(self.taken).map_or(end, |at| at.min(end));
        self.tokens.insert(at, Token { lexeme, start: mark });
    }

    fn next_number(&self) -> usize {
        self.taken + self.tokens.len()
    }
}
