//! Regular expressions in Go's syntax: checked with Go's messages, written anew in the syntax of the `regex` crate.
//!
//! Both match in linear time. What differs: `\d`, `\w`, `\s` and `\b` are ASCII in Go; `&&`, `--` and `~~` in classes
//! are plain characters there; `\Q…\E`, octal escapes and `\z` in Go's places.

mod class;

use std::fmt;

use class::perl_class;

/// Why a pattern is no pattern: what Go calls it, and the part it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    code: &'static str,
    part: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.code, self.part)
    }
}

impl std::error::Error for PatternError {}

type Outcome<T> = Result<T, PatternError>;

/// The longest pattern that is read, and the deepest nesting of groups.
const MAX_LENGTH: usize = 64 << 10;
const MAX_DEPTH: usize = 200;

/// The largest count in a repetition.
const MAX_REPEAT: u32 = 1000;

/// The most memory that a compiled pattern may take.
const SIZE_LIMIT: usize = 8 << 20;

/// Compiles a pattern in Go's syntax.
pub fn compile(pattern: &str) -> Outcome<regex::bytes::Regex> {
    let translated = translate(pattern)?;
    regex::bytes::RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(SIZE_LIMIT)
        .build()
        .map_err(|_| PatternError { code: "expression too large", part: pattern.to_owned() })
}

/// The pattern in the syntax of the `regex` crate.
pub fn translate(pattern: &str) -> Outcome<String> {
    if pattern.len() > MAX_LENGTH {
        return Err(PatternError { code: "expression too large", part: pattern[..100].to_owned() });
    }
    let mut parser = Parser { whole: pattern, rest: pattern, out: String::new(), names: Vec::new() };
    parser.run()?;
    Ok(parser.out)
}

/// Writes a literal character.
fn push_literal(out: &mut String, character: char) {
    if character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_' {
        out.push_str(&format!("\\x{:02X}", character as u32));
    } else {
        out.push(character);
    }
}

fn fail<T>(code: &'static str, part: &str) -> Outcome<T> {
    Err(PatternError { code, part: part.to_owned() })
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    out: String,
    names: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    /// What was read since `before`.
    fn since(&self, before: &'a str) -> &'a str {
        &before[..before.len() - self.rest.len()]
    }

    fn run(&mut self) -> Outcome<()> {
        let mut open = 0_usize;
        // Whether something stands before that a repetition can be about, and the repetition before this one.
        let mut repeatable = false;
        let mut last_repeat: Option<&'a str> = None;
        while let Some(character) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match character {
                '(' => {
                    if self.rest.starts_with("(?") {
                        if self.group_flags()? {
                            open += 1;
                        }
                        repeatable = false;
                    } else {
                        self.next();
                        self.out.push('(');
                        open += 1;
                        repeatable = false;
                    }
                    if open > MAX_DEPTH {
                        return fail("expression nests too deeply", self.whole);
                    }
                }
                ')' => {
                    if open == 0 {
                        return fail("unexpected )", self.whole);
                    }
                    open -= 1;
                    self.next();
                    self.out.push(')');
                    repeatable = true;
                }
                '|' => {
                    self.next();
                    self.out.push('|');
                    repeatable = false;
                }
                '^' | '$' | '.' => {
                    self.next();
                    self.out.push(character);
                    repeatable = true;
                }
                '[' => {
                    self.class()?;
                    repeatable = true;
                }
                '*' | '+' | '?' => {
                    self.next();
                    if !repeatable {
                        return fail("missing argument to repetition operator", self.since(before));
                    }
                    self.out.push(character);
                    self.lazy();
                    repeat = Some(before);
                }
                '{' => match self.counts() {
                    None => {
                        self.next();
                        self.out.push_str("\\{");
                        repeatable = true;
                    }
                    Some((low, high)) => {
                        let counted = self.since(before);
                        if low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT || low > high) {
                            return fail("invalid repeat count", counted);
                        }
                        if !repeatable {
                            return fail("missing argument to repetition operator", counted);
                        }
                        self.out.push_str(&counted.replace(' ', ""));
                        self.lazy();
                        repeat = Some(before);
                    }
                },
                '\\' => {
                    if let Some(quoted) = self.rest.strip_prefix("\\Q") {
                        let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                        for character in literal.chars() {
                            push_literal(&mut self.out, character);
                        }
                        repeatable |= !literal.is_empty();
                        self.rest = after;
                    } else {
                        self.escape()?;
                        repeatable = true;
                    }
                }
                _ => {
                    self.next();
                    push_literal(&mut self.out, character);
                    repeatable = true;
                }
            }
            if let Some(start) = repeat {
                if let Some(earlier) = last_repeat {
                    let nested = &earlier[..earlier.len() - self.rest.len()];
                    return fail("invalid nested repetition operator", nested);
                }
                last_repeat = Some(start);
            } else {
                last_repeat = None;
            }
        }
        if open > 0 {
            return fail("missing closing )", self.whole);
        }
        Ok(())
    }

    fn lazy(&mut self) {
        if let Some(after) = self.rest.strip_prefix('?') {
            self.rest = after;
            self.out.push('?');
        }
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else is not a repetition.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let (inside, after) = self.rest.strip_prefix('{')?.split_once('}')?;
        let number = |text: &str| -> Option<u32> {
            let plain = !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_digit())
                && (text.len() == 1 || !text.starts_with('0'));
            plain.then(|| text.parse().unwrap_or(u32::MAX))
        };
        let found = match inside.split_once(',') {
            None => {
                let count = number(inside)?;
                (count, Some(count))
            }
            Some((low, "")) => (number(low)?, None),
            Some((low, high)) => (number(low)?, Some(number(high)?)),
        };
        self.rest = after;
        Some(found)
    }

    /// `(?…`: true when a group was opened, false when only flags were set.
    fn group_flags(&mut self) -> Outcome<bool> {
        let start = self.rest;
        let named = start.strip_prefix("(?P<").or_else(|| start.strip_prefix("(?<"));
        if let Some(after) = named {
            let Some((name, rest)) = after.split_once('>') else {
                return fail("invalid named capture", start);
            };
            let part = &start[..start.len() - rest.len()];
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return fail("invalid named capture", part);
            }
            if self.names.contains(&name) {
                return fail("duplicate named capture", name);
            }
            self.names.push(name);
            self.rest = rest;
            // Names may begin with a digit in Go.
            self.out.push_str(&format!("(?P<_{name}>"));
            return Ok(true);
        }
        self.rest = &start[2..];
        let mut flags = String::new();
        let (mut negative, mut saw_flag) = (false, false);
        while let Some(character) = self.next() {
            match character {
                'i' | 'm' | 's' | 'U' => {
                    flags.push(character);
                    saw_flag = true;
                }
                '-' if !negative => {
                    negative = true;
                    saw_flag = false;
                    flags.push('-');
                }
                ':' | ')' => {
                    if negative && !saw_flag {
                        break;
                    }
                    if flags.is_empty() && character == ')' {
                        // `(?)` sets nothing.
                        return Ok(false);
                    }
                    self.out.push_str(&format!("(?{flags}{character}"));
                    return Ok(character == ':');
                }
                _ => break,
            }
        }
        if self.rest.is_empty() && !start.ends_with(|c: char| !matches!(c, 'i' | 'm' | 's' | 'U' | '-' | '?'))
        {
            return fail("missing closing )", self.whole);
        }
        let part = self.since(start);
        fail("invalid or unsupported Perl syntax", part)
    }

    fn escape(&mut self) -> Outcome<()> {
        let start = self.rest;
        let mut characters = start.chars();
        characters.next();
        match characters.next() {
            Some('A') => self.out.push_str("\\A"),
            Some('b') => self.out.push_str("(?-u:\\b)"),
            Some('B') => self.out.push_str("(?-u:\\B)"),
            Some('z') => self.out.push_str("\\z"),
            Some('C') => return fail("invalid escape sequence", "\\C"),
            Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                let (members, negated) = perl_class(letter).unwrap_or_default();
                self.out.push_str(&format!("[{}{members}]", if negated { "^" } else { "" }));
            }
            Some('p' | 'P') => {
                let class = self.unicode_class()?;
                self.out.push_str(&class);
                return Ok(());
            }
            _ => {
                let character = self.escaped_character()?;
                push_literal(&mut self.out, character);
                return Ok(());
            }
        }
        self.rest = characters.as_str();
        Ok(())
    }

    /// An escape that stands for one character.
    fn escaped_character(&mut self) -> Outcome<char> {
        let start = self.rest;
        self.next();
        let Some(character) = self.next() else {
            return fail("trailing backslash at end of expression", "");
        };
        let found = match character {
            '1'..='7' if !self.rest.starts_with(|c: char| ('0'..='7').contains(&c)) => None,
            '0'..='7' => {
                let mut code = character as u32 - 48;
                for _ in 0..2 {
                    match self.rest.chars().next().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            code = code * 8 + digit;
                            self.next();
                        }
                        None => break,
                    }
                }
                char::from_u32(code)
            }
            'x' => self.hexadecimal(),
            'a' => Some('\x07'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            _ if character.is_ascii() && !character.is_ascii_alphanumeric() => Some(character),
            _ => None,
        };
        match found {
            Some(character) => Ok(character),
            None => fail("invalid escape sequence", self.since(start)),
        }
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let first = self.next()?;
        if first == '{' {
            let mut code = 0_u32;
            let mut count = 0;
            loop {
                let digit = self.next()?;
                if digit == '}' {
                    break;
                }
                code = code.checked_mul(16)?.checked_add(digit.to_digit(16)?)?;
                if code > 0x10_ffff {
                    return None;
                }
                count += 1;
            }
            return if count == 0 { None } else { char::from_u32(code) };
        }
        let high = first.to_digit(16)?;
        let low = self.next()?.to_digit(16)?;
        char::from_u32(high * 16 + low)
    }
}

/// Whether a text stands for itself in Go's syntax; if not, its special characters get backslashes.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if b"\\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Go's Expand: `$1`, `${name}`, `$$` in a replacement.
pub fn expand(template: &[u8], captures: &regex::bytes::Captures<'_>, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(at) = rest.iter().position(|&b| b == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with(b"$$") {
            out.push(b'$');
            rest = &rest[2..];
            continue;
        }
        let braced = rest.get(1) == Some(&b'{');
        let from = if braced { 2 } else { 1 };
        let mut end = from;
        while let Some((character, width)) = crate::text::decode_rune(&rest[end..]) {
            if !(character == '_' || character.is_alphanumeric()) {
                break;
            }
            end += width;
        }
        if end == from || braced && rest.get(end) != Some(&b'}') {
            out.push(b'$');
            rest = &rest[1..];
            continue;
        }
        let name = crate::text::to_lossy(&rest[from..end]);
        let number = name.bytes().all(|b| b.is_ascii_digit()).then(|| name.parse::<usize>().ok()).flatten();
        let group = match number {
            Some(index) => captures.get(index),
            None => captures.name(&format!("_{name}")),
        };
        if let Some(found) = group {
            out.extend_from_slice(found.as_bytes());
        }
        rest = &rest[end + usize::from(braced)..];
    }
    out.extend_from_slice(rest);
}
