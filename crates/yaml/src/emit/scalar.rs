//! Scalars in each style.

use super::analyze::{is_break, is_printable, width};
use super::writer::Writer;
use crate::node::Style;

impl Writer {
    /// A plain or quoted scalar.
    pub fn flow_scalar(&mut self, text: &str, style: Style, may_fold: bool) {
        match style {
            Style::SingleQuoted => self.single_quoted(text, may_fold),
            Style::DoubleQuoted => self.double_quoted(text, may_fold),
            _ => self.plain(text, may_fold),
        }
    }

    fn fits(&self, text: &str) -> bool {
        self.column.saturating_add(text.len()) <= self.best_width()
    }

    fn plain(&mut self, text: &str, may_fold: bool) {
        if !text.is_empty() && !self.whitespace {
            self.put(' ');
        }
        if !may_fold || self.fits(text) {
            self.put_text(text);
        } else {
            self.folding(text, |writer, before, after| {
                let _ = before;
                writer.is_over_width() && !after.starts_with(' ')
            });
        }
        if !text.is_empty() {
            self.whitespace = false;
        }
        self.indention = false;
    }

    /// Writes text without line breaks, a single space turned into a line break where `fold` says so:
    /// it is given what stands before and after the space.
    fn folding(&mut self, text: &str, fold: impl Fn(&Writer, &str, &str) -> bool) {
        let mut spaces = false;
        let mut from = 0;
        for (at, _) in text.match_indices(' ') {
            if at > from {
                self.put_text(&text[from..at]);
                self.indention = false;
                spaces = false;
            }
            if !spaces && fold(self, &text[..at], &text[at + 1..]) {
                self.write_indent();
            } else {
                self.put(' ');
            }
            spaces = true;
            from = at + 1;
        }
        if from < text.len() {
            self.put_text(&text[from..]);
            self.indention = false;
        }
    }

    fn single_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false, false);
        let mut spaces = false;
        let mut breaks = false;
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let wide = width(byte);
            if byte == b' ' {
                let fold = may_fold
                    && !spaces
                    && self.is_over_width()
                    && at > 0
                    && at < bytes.len() - 1
                    && bytes[at + 1] != b' ';
                if fold {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                spaces = true;
                at += 1;
            } else if is_break(&bytes[at..]) {
                if !breaks && byte == b'\n' {
                    self.put_break();
                }
                self.put_break_text(&text[at..at + wide]);
                breaks = true;
                at += wide;
            } else {
                if breaks {
                    self.write_indent();
                }
                let mut end = at;
                while end < bytes.len() && !matches!(bytes[end], b' ' | b'\'') && !is_break(&bytes[end..]) {
                    end += width(bytes[end]);
                }
                if end == at {
                    self.put_text("''");
                    at += 1;
                } else {
                    self.put_text(&text[at..end]);
                    at = end;
                }
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false, false);
        // libyaml looks for the byte-order mark at the front of the text wherever it is in it.
        let all_escaped = text.starts_with('\u{FEFF}');
        // Escapes take up to four times the room.
        let may_fold = may_fold && self.column + text.len() * 4 > self.best_width();
        let mut spaces = false;
        let mut from = 0;
        for (at, character) in text.char_indices() {
            let byte = text.as_bytes()[at];
            let ordinary = matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E) && !all_escaped;
            if ordinary || (byte == b' ' && !may_fold && !all_escaped) {
                spaces = false;
                continue;
            }
            let rest = &text.as_bytes()[at..];
            let escaped =
                all_escaped || !is_printable(rest) || is_break(rest) || matches!(byte, b'"' | b'\\');
            if escaped {
                self.put_text(&text[from..at]);
                from = at + character.len_utf8();
                self.escape(character);
                spaces = false;
            } else if byte == b' ' {
                self.put_text(&text[from..at]);
                from = at + 1;
                if !spaces && self.is_over_width() && at > 0 && at < text.len() - 1 {
                    self.write_indent();
                    if text.as_bytes()[at + 1] == b' ' {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                spaces = false;
            }
        }
        self.put_text(&text[from..]);
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, character: char) {
        self.put('\\');
        let short = match character {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = character as u32;
                match code {
                    0..=0xFF => self.put_text(&format!("x{code:02X}")),
                    0x100..=0xFFFF => self.put_text(&format!("u{code:04X}")),
                    _ => self.put_text(&format!("U{code:08X}")),
                }
                return;
            }
        };
        self.put(short);
    }

    /// `|` or `>` with what says how it begins and ends. A line break must follow.
    pub fn block_scalar_header(&mut self, text: &str, style: Style) {
        self.indicator(if style == Style::Folded { ">" } else { "|" }, true, false, false);
        let bytes = text.as_bytes();
        if bytes.first() == Some(&b' ') || is_break(bytes) {
            self.indicator("2", false, false, false);
        }
        let mut backwards = text.chars().rev();
        let ends_in_break = |character: Option<char>| {
            matches!(character, Some('\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
        };
        let hint = if ends_in_break(backwards.next()) {
            match backwards.next() {
                None => "+",
                other if ends_in_break(other) => "+",
                _ => "",
            }
        } else {
            "-"
        };
        if !hint.is_empty() {
            self.indicator(hint, false, false, false);
        }
    }

    pub fn block_scalar_body(&mut self, text: &str, style: Style) {
        self.whitespace = true;
        if style == Style::Folded {
            self.folded(text);
        } else {
            self.literal(text);
        }
    }

    fn literal(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut breaks = true;
        let mut at = 0;
        while at < bytes.len() {
            if is_break(&bytes[at..]) {
                let wide = width(bytes[at]);
                self.put_break_text(&text[at..at + wide]);
                at += wide;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                let end = end_of_line(bytes, at);
                self.put_text(&text[at..end]);
                self.indention = false;
                breaks = false;
                at = end;
            }
        }
    }

    fn folded(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut breaks = true;
        let mut leading_spaces = true;
        let mut at = 0;
        while at < bytes.len() {
            if is_break(&bytes[at..]) {
                let wide = width(bytes[at]);
                if !breaks && !leading_spaces && bytes[at] == b'\n' {
                    // libyaml looks at the beginning of the text here, not at this place.
                    let mut next = 0;
                    while is_break(&bytes[next..]) {
                        next += width(bytes[next]);
                    }
                    if !is_blankz(&bytes[next..]) {
                        self.put_break();
                    }
                }
                self.put_break_text(&text[at..at + wide]);
                at += wide;
                breaks = true;
                continue;
            }
            if breaks {
                self.write_indent();
                leading_spaces = matches!(bytes[at], b' ' | b'\t');
            }
            let fold =
                !breaks && bytes[at] == b' ' && bytes.get(at + 1) != Some(&b' ') && self.is_over_width();
            if fold {
                self.write_indent();
                at += 1;
            } else {
                let wide = width(bytes[at]);
                self.put_text(&text[at..at + wide]);
                at += wide;
            }
            self.indention = false;
            breaks = false;
        }
    }
}

fn is_blankz(bytes: &[u8]) -> bool {
    matches!(bytes.first(), None | Some(b' ' | b'\t' | 0)) || is_break(bytes)
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && !is_break(&bytes[at..]) {
        at += 1;
    }
    at
}
