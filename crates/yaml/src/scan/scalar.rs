//! Scalars: plain and quoted.

use std::borrow::Cow;

use super::{Lexeme, Mark, Scan, Scanner, chars};
use crate::node::Style;

/// Bytes that may end a plain scalar, or need a look.
const MAY_END_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let special = b" \t\n\r:,?[]{}\xC2\xE2";
    let mut at = 0;
    while at < special.len() {
        table[special[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0x80;
    while byte <= 0xBF {
        table[byte] = true;
        byte += 1;
    }
    table
};

/// What the white space after a line turns into when the text goes on.
#[derive(Default)]
struct Fold {
    leading: String,
    trailing: String,
}

impl Fold {
    fn append_to(&mut self, text: &mut String) {
        if self.leading.starts_with('\n') {
            if self.trailing.is_empty() {
                text.push(' ');
            }
        } else {
            text.push_str(&self.leading);
        }
        text.push_str(&self.trailing);
        self.leading.clear();
        self.trailing.clear();
    }
}

impl<'a> Scanner<'a> {
    pub fn scan_plain(&mut self) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        if let Some(value) = self.plain_on_one_line() {
            return Ok(Lexeme::Scalar { value: Cow::Borrowed(value), style: Style::Default });
        }
        let indent = self.indent + 1;
        let mut end = start;
        // Text from the source as long as it stands on one line, else its own.
        let mut folded: Option<String> = None;
        let mut fold = Fold::default();
        let mut leading_blanks = false;
        loop {
            if self.at_document_indicator() || self.byte(0) == b'#' {
                break;
            }
            let word = self.mark;
            self.skip_word();
            if self.mark.index > word.index {
                if leading_blanks {
                    let text = folded.get_or_insert_with(|| self.slice(start.index, end.index).to_owned());
                    fold.append_to(text);
                    leading_blanks = false;
                } else if let Some(text) = &mut folded {
                    text.push_str(self.slice(end.index, word.index));
                }
                if let Some(text) = &mut folded {
                    text.push_str(self.slice(word.index, self.mark.index));
                }
                end = self.mark;
            }
            if !matches!(self.byte(0), b' ' | b'\t') && !self.at_break() {
                break;
            }
            loop {
                let byte = self.byte(0);
                if byte == b' ' || byte == b'\t' {
                    if leading_blanks && (self.mark.column as i32) < indent && byte == b'\t' {
                        return self.failure(start, "found a tab character that violates indentation");
                    }
                    self.mark.index += 1;
                    self.mark.column += 1;
                } else if self.at_break() {
                    if leading_blanks {
                        self.read_line(&mut fold.trailing);
                    } else {
                        self.read_line(&mut fold.leading);
                        leading_blanks = true;
                    }
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && (self.mark.column as i32) < indent {
                break;
            }
        }
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        self.record_span(start, end.index);
        let value = match folded {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(self.slice(start.index, end.index)),
        };
        Ok(Lexeme::Scalar { value, style: Style::Default })
    }

    /// The usual case: the scalar ends on its line. Reads up to what follows it, as the usual way does; `None` leaves all
    /// as it was.
    fn plain_on_one_line(&mut self) -> Option<&'a str> {
        let bytes = self.bytes;
        let begin = self.mark.index as usize;
        if self.mark.column == 0 && matches!(self.byte(0), b'-' | b'.') {
            return None;
        }
        let in_flow = self.flow_level > 0;
        let (mut at, mut end, mut wide) = (begin, begin, 0);
        let line_ended = loop {
            let word = at;
            while let Some(&byte) = bytes.get(at) {
                if MAY_END_PLAIN[usize::from(byte)] {
                    match byte {
                        b' ' | b'\t' | b'\n' => break,
                        b':' if bytes.get(at + 1..).is_none_or(chars::is_blankz) => break,
                        b',' | b'?' | b'[' | b']' | b'{' | b'}' if in_flow => break,
                        b'\r' | 0xC2 | 0xE2 => return None,
                        0x80..=0xBF => wide += 1,
                        _ => {}
                    }
                }
                at += 1;
            }
            if at > word {
                end = at;
            }
            let blanks = at;
            while matches!(bytes.get(at), Some(b' ' | b'\t')) {
                at += 1;
            }
            match bytes.get(at) {
                Some(b'\n') => break true,
                Some(b'\r') => return None,
                None | Some(b'#') => break false,
                Some(_) if at == blanks => break false,
                Some(_) => {}
            }
        };
        if end == begin {
            return None;
        }
        let mut mark = self.mark;
        mark.index = at as u32;
        mark.column += (at - begin) as u32 - wide;
        let mut newlines = 0;
        if line_ended {
            if in_flow {
                return None;
            }
            let mut line = at;
            loop {
                match bytes.get(at) {
                    Some(b' ') => at += 1,
                    Some(b'\n') => {
                        at += 1;
                        newlines += 1;
                        line = at;
                    }
                    Some(b'\t' | b'\r' | 0xC2 | 0xE2) => return None,
                    None | Some(b'#') => break,
                    Some(_) if ((at - line) as i64) < i64::from(self.indent) + 1 => break,
                    Some(_) => return None,
                }
            }
            mark = Mark { index: at as u32, line: mark.line + newlines, column: (at - line) as u32 };
            self.simple_key_allowed = true;
        }
        let start = self.mark;
        self.mark = mark;
        self.newlines = newlines;
        self.record_span(start, end as u32);
        Some(self.slice(start.index, end as u32))
    }

    /// Over the characters of a plain scalar up to white space or what ends it.
    fn skip_word(&mut self) {
        let begin = self.mark.index as usize;
        let mut at = begin;
        let mut wide = 0;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => break,
                b':' if self.bytes.get(at + 1..).is_none_or(chars::is_blankz) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if self.flow_level > 0 => break,
                0xC2 | 0xE2 if chars::break_width(&self.bytes[at..]) > 0 => break,
                0x80..=0xBF => wide += 1,
                _ => {}
            }
            at += 1;
        }
        if at > begin {
            self.newlines = 0;
            self.mark.index = at as u32;
            self.mark.column += (at - begin) as u32 - wide;
        }
    }

    pub fn scan_quoted(&mut self, style: Style) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        let single = style == Style::SingleQuoted;
        self.skip_ascii(1);
        if let Some(value) = self.quoted_on_one_line(single) {
            self.record_span(start, self.mark.index);
            return Ok(Lexeme::Scalar { value: Cow::Borrowed(value), style });
        }
        let mut text = String::new();
        let mut fold = Fold::default();
        let mut blanks = String::new();
        loop {
            if self.at_document_indicator() {
                return self.failure(start, "found unexpected document indicator");
            }
            if self.at_end() {
                return self.failure(start, "found unexpected end of stream");
            }
            let mut leading_blanks = false;
            while !self.at_blankz(0) {
                match (self.byte(0), self.byte(1)) {
                    (b'\'', b'\'') if single => {
                        text.push('\'');
                        self.skip_ascii(2);
                    }
                    (b'\'', _) if single => break,
                    (b'"', _) if !single => break,
                    (b'\\', _) if !single => {
                        if chars::break_width(&self.rest()[1..]) > 0 {
                            self.skip_ascii(1);
                            self.skip_line();
                            leading_blanks = true;
                            break;
                        }
                        self.scan_escape(start, &mut text)?;
                    }
                    _ => {
                        let from = self.mark.index;
                        self.skip();
                        text.push_str(self.slice(from, self.mark.index));
                    }
                }
            }
            if self.byte(0) == if single { b'\'' } else { b'"' } {
                break;
            }
            loop {
                let byte = self.byte(0);
                if byte == b' ' || byte == b'\t' {
                    if !leading_blanks {
                        blanks.push(byte as char);
                    }
                    self.mark.index += 1;
                    self.mark.column += 1;
                } else if self.at_break() {
                    if leading_blanks {
                        self.read_line(&mut fold.trailing);
                    } else {
                        blanks.clear();
                        self.read_line(&mut fold.leading);
                        leading_blanks = true;
                    }
                } else {
                    break;
                }
            }
            if leading_blanks {
                fold.append_to(&mut text);
            } else {
                text.push_str(&blanks);
                blanks.clear();
            }
        }
        self.skip_ascii(1);
        self.record_span(start, self.mark.index);
        Ok(Lexeme::Scalar { value: Cow::Owned(text), style })
    }

    /// The usual case: no escape, no line break. Reads over the closing quote.
    fn quoted_on_one_line(&mut self, single: bool) -> Option<&'a str> {
        let begin = self.mark.index as usize;
        let quote = if single { b'\'' } else { b'"' };
        let mut wide = 0;
        for (at, &byte) in self.bytes.get(begin..)?.iter().enumerate() {
            match byte {
                b'\n' | b'\r' => return None,
                b'\\' if !single => return None,
                0xC2 | 0xE2 if chars::break_width(&self.bytes[begin + at..]) > 0 => return None,
                0x80..=0xBF => wide += 1,
                _ if byte == quote => {
                    if single && self.bytes.get(begin + at + 1) == Some(&b'\'') {
                        return None;
                    }
                    let value = self.slice(begin as u32, (begin + at) as u32);
                    self.newlines = 0;
                    self.mark.index += at as u32 + 1;
                    self.mark.column += at as u32 + 1 - wide;
                    return Some(value);
                }
                _ => {}
            }
        }
        None
    }

    fn scan_escape(&mut self, start: Mark, text: &mut String) -> Scan<()> {
        let digits = match self.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                text.push(match other {
                    b'0' => '\0',
                    b'a' => '\x07',
                    b'b' => '\x08',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\x0B',
                    b'f' => '\x0C',
                    b'r' => '\r',
                    b'e' => '\x1B',
                    b' ' => ' ',
                    b'"' => '"',
                    b'\'' => '\'',
                    b'\\' => '\\',
                    b'N' => '\u{85}',
                    b'_' => '\u{A0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => return self.failure(start, "found unknown escape character"),
                });
                self.skip_ascii(2);
                return Ok(());
            }
        };
        self.skip_ascii(2);
        let mut code = 0u32;
        for at in 0..digits {
            let Some(digit) = (self.byte(at) as char).to_digit(16) else {
                return self.failure(start, "did not find expected hexdecimal number");
            };
            code = (code << 4) | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return self.failure(start, "found invalid Unicode character escape code");
        };
        text.push(character);
        self.skip_ascii(digits as u32);
        Ok(())
    }
}
