//! Template text into tokens: text, delimiters with their trim markers, and what stands inside actions.

mod number;

use crate::quote::unicode_name;
use crate::text::decode_rune;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    pub(crate) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A token with its place in the text. The message of an error stands in the lexer, which makes at most one.
///
/// Tokens are handed on several times each: two plain numbers travel in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub kind: Kind,
    place: u64,
}

impl Token {
    pub(crate) const fn none() -> Self {
        Self { kind: Kind::Error, place: u64::MAX }
    }

    /// No text is so long that its places would not fit.
    fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self { kind, place: u64::from(start as u32) | u64::from(end as u32) << 32 }
    }

    pub(crate) fn start(self) -> u32 {
        self.place as u32
    }

    pub(crate) fn end(self) -> u32 {
        (self.place >> 32) as u32
    }

    /// The line on which it begins; 0 where nothing was read yet.
    pub(crate) fn line(self, text: &[u8]) -> usize {
        text.get(..self.start() as usize).map_or(0, |before| 1 + memchr::memchr_iter(b'\n', before).count())
    }
}

pub(crate) struct Lexer<'a> {
    pub input: &'a [u8],
    position: usize,
    start: usize,
    parens: usize,
    inside_action: bool,
    /// What the token of kind `Error` says.
    pub error: Option<String>,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn is_alphanumeric(character: char) -> bool {
    if character.is_ascii() {
        return character == '_' || character.is_ascii_alphanumeric();
    }
    character.is_alphabetic() || character.is_numeric()
}

/// The first `{{`.
fn find_left(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', bytes).find(|at| bytes.get(at + 1) == Some(&b'{'))
}

const fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Which bytes stand in names.
const NAME_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < bytes.len() {
        bytes[byte] = is_name_byte(byte as u8);
        byte += 1;
    }
    bytes
};

fn has_left_marker(rest: &[u8]) -> bool {
    rest.len() >= 2 && rest[0] == b'-' && is_space(rest[1])
}

fn leading_spaces(rest: &[u8]) -> usize {
    rest.iter().take_while(|&&b| is_space(b)).count()
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0, start: 0, parens: 0, inside_action: false, error: None }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        decode_rune(self.rest()).map(|(character, _)| character)
    }

    fn next_rune(&mut self) -> Option<char> {
        if let Some(&byte) = self.rest().first().filter(|byte| byte.is_ascii()) {
            self.position += 1;
            return Some(char::from(byte));
        }
        let (character, width) = decode_rune(self.rest())?;
        self.position += width;
        Some(character)
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token::new(kind, self.start, self.position);
        self.start = self.position;
        token
    }

    fn ignore(&mut self) {
        self.start = self.position;
    }

    fn fail(&mut self, message: impl Into<String>) -> Token {
        let token = Token::new(Kind::Error, self.start, self.start);
        self.error = Some(message.into());
        self.inside_action = false;
        self.start = 0;
        self.position = 0;
        self.input = b"";
        token
    }

    pub(crate) fn next_token(&mut self) -> Token {
        if self.inside_action {
            return self.inside();
        }
        loop {
            if let Some(token) = self.text() {
                return token;
            }
        }
    }

    /// A token of text or a left delimiter; nothing after a comment.
    fn text(&mut self) -> Option<Token> {
        let Some(offset) = find_left(self.rest()) else {
            self.position = self.input.len();
            if self.position > self.start {
                return Some(self.emit(Kind::Text));
            }
            return Some(Token::new(Kind::Eof, self.position, self.position));
        };
        if offset > 0 {
            self.position += offset;
            let mut trim = 0;
            if has_left_marker(&self.input[self.position + LEFT.len()..]) {
                let before = &self.input[self.start..self.position];
                trim = before.iter().rev().take_while(|&&b| is_space(b)).count();
            }
            self.position -= trim;
            let token = self.emit(Kind::Text);
            self.position += trim;
            self.ignore();
            if token.end() > token.start() {
                return Some(token);
            }
        }
        self.left_delimiter()
    }

    fn left_delimiter(&mut self) -> Option<Token> {
        self.position += LEFT.len();
        let after = if has_left_marker(self.rest()) { 2 } else { 0 };
        if matches!(self.rest()[after..], [b'/', b'*', ..]) {
            self.position += after;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside_action = true;
        self.position += after;
        self.ignore();
        self.parens = 0;
        Some(token)
    }

    /// Skips a comment; a token only where it fails.
    fn comment(&mut self) -> Option<Token> {
        self.position += LEFT_COMMENT.len();
        let Some(offset) = find(self.rest(), RIGHT_COMMENT) else {
            return Some(self.fail("unclosed comment"));
        };
        self.position += offset + RIGHT_COMMENT.len();
        let Some(trims) = self.at_right_delimiter() else {
            return Some(self.fail("comment ends before closing delimiter"));
        };
        if trims {
            self.position += 2;
        }
        self.position += RIGHT.len();
        if trims {
            self.position += leading_spaces(self.rest());
        }
        self.ignore();
        None
    }

    /// Whether a right delimiter stands here, and if so whether it trims.
    fn at_right_delimiter(&self) -> Option<bool> {
        match self.rest() {
            [b'}', b'}', ..] => Some(false),
            [space, b'-', b'}', b'}', ..] if is_space(*space) => Some(true),
            _ => None,
        }
    }

    fn right_delimiter(&mut self) -> Token {
        let trims = self.at_right_delimiter() == Some(true);
        if trims {
            self.position += 2;
            self.ignore();
        }
        self.position += RIGHT.len();
        let token = self.emit(Kind::RightDelim);
        if trims {
            self.position += leading_spaces(self.rest());
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn inside(&mut self) -> Token {
        if self.at_right_delimiter().is_some() {
            if self.parens == 0 {
                return self.right_delimiter();
            }
            return self.fail("unclosed left paren");
        }
        let before = self.position;
        let Some(character) = self.next_rune() else {
            return self.fail("unclosed action");
        };
        match character {
            'a'..='z' | 'A'..='Z' | '_' => self.identifier(),
            ' ' | '\t' | '\r' | '\n' => {
                self.position = before;
                self.space()
            }
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next_rune() == Some('=') {
                    self.emit(Kind::Declare)
                } else {
                    self.fail("expected :=")
                }
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '`' => {
                let Some(length) = memchr::memchr(b'`', self.rest()) else {
                    return self.fail("unterminated raw quoted string");
                };
                self.position += length + 1;
                self.emit(Kind::RawString)
            }
            '$' => self.field_or_variable(Kind::Variable),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '.' if !self.rest().is_empty() && !self.rest()[0].is_ascii_digit() => {
                self.field_or_variable(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.position = before;
                self.number()
            }
            _ if is_alphanumeric(character) => {
                self.position = before;
                self.identifier()
            }
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => {
                if self.parens == 0 {
                    return self.fail("unexpected right paren");
                }
                self.parens -= 1;
                self.emit(Kind::RightParen)
            }
            ' '..='~' => self.emit(Kind::Char),
            _ => self.fail(format!("unrecognized character in action: {}", unicode_name(character))),
        }
    }

    fn space(&mut self) -> Token {
        let count = leading_spaces(self.rest());
        self.position += count;
        // The last space may belong to a trimming delimiter.
        if matches!(self.input[self.position - 1..], [_, b'-', b'}', b'}', ..]) {
            self.position -= 1;
            if count == 1 {
                return self.right_delimiter();
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Token {
        self.skip_name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match &self.input[self.start..self.position] {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn bad_character(&mut self) -> Token {
        let message = match self.peek() {
            Some(character) => format!("bad character {}", unicode_name(character)),
            None => "bad character U+FFFFFFFFFFFFFFFF".to_owned(),
        };
        self.fail(message)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.skip_name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    fn skip_name(&mut self) {
        loop {
            let rest = self.rest();
            let plain = rest.iter().take_while(|byte| NAME_BYTES[usize::from(**byte)]).count();
            self.position += plain;
            match rest.get(plain) {
                Some(byte) if !byte.is_ascii() && self.peek().is_some_and(is_alphanumeric) => {
                    self.next_rune();
                }
                _ => return,
            }
        }
    }

    fn at_terminator(&self) -> bool {
        match self.rest() {
            [] | [b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(', ..] => true,
            rest => matches!(rest, [b'}', b'}', ..]),
        }
    }

    fn quoted(&mut self, mark: u8, kind: Kind, unterminated: &str) -> Token {
        loop {
            let Some(length) = memchr::memchr3(mark, b'\\', b'\n', self.rest()) else {
                return self.fail(unterminated);
            };
            self.position += length + 1;
            match self.input[self.position - 1] {
                b'\\' if !matches!(self.rest(), [] | [b'\n', ..]) => {
                    self.next_rune();
                }
                byte if byte == mark => return self.emit(kind),
                _ => return self.fail(unterminated),
            }
        }
    }
}
