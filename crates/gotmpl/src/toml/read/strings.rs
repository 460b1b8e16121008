//! Strings in all their quotes.

use super::{Outcome, Reader};

fn push(out: &mut String, character: char) -> Outcome<()> {
    out.push(character);
    Ok(())
}

pub(super) fn shown(character: char) -> String {
    crate::quote::quote_rune(character, false)
}

impl Reader<'_> {
    pub(super) fn basic_string(&mut self) -> Outcome<String> {
        let mut out = String::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected '\"'"),
                Some('\n') => return self.fail("strings cannot contain newlines"),
                Some('"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(character) => {
                    out.push(character);
                    self.at += character.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Outcome<()> {
        let Some(character) = self.peek() else { return self.fail("unexpected EOF; expected '\"'") };
        self.at += character.len_utf8();
        let length = match character {
            'b' => return push(out, '\x08'),
            't' => return push(out, '\t'),
            'n' => return push(out, '\n'),
            'f' => return push(out, '\x0c'),
            'r' => return push(out, '\r'),
            'e' => return push(out, '\x1b'),
            '"' | '\\' => return push(out, character),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                return self.fail(format!("invalid escape character '{character}'; only the following escape characters are allowed: \\b, \\t, \\n, \\f, \\r, \\\", \\\\, \\uXXXX, and \\UXXXXXXXX"));
            }
        };
        let digits = self.rest().get(..length).unwrap_or_default();
        match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
            Some(decoded) if digits.len() == length => {
                self.at += length;
                push(out, decoded)
            }
            _ => self.fail(format!("Escaped character '\\{character}{digits}' is not valid UTF-8.")),
        }
    }

    pub(super) fn literal_string(&mut self) -> Outcome<String> {
        let rest = self.rest();
        match rest.find(['\'', '\n']) {
            Some(end) if rest[end..].starts_with('\'') => {
                self.at += end + 1;
                Ok(rest[..end].to_owned())
            }
            Some(_) => self.fail("strings cannot contain newlines"),
            None => self.fail("unexpected EOF; expected \"'\""),
        }
    }

    pub(super) fn multiline(&mut self, basic: bool) -> Outcome<String> {
        let mark = if basic { "\"\"\"" } else { "'''" };
        let quote = if basic { '"' } else { '\'' };
        let rest = self.rest();
        let skipped = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        self.at += rest.len() - skipped.len();
        let mut out = String::new();
        loop {
            let Some(character) = self.peek() else {
                return self.fail(format!("unexpected EOF; expected '{mark}'"));
            };
            if self.rest().starts_with(mark) {
                // Up to two quotes may stand right before the end.
                let quotes = self.rest().chars().take(5).take_while(|c| *c == quote).count();
                self.at += quotes;
                out.extend(std::iter::repeat_n(quote, quotes - 3));
                return Ok(out);
            }
            self.at += character.len_utf8();
            if basic && character == '\\' {
                let rest = self.rest();
                let trimmed = rest.trim_start_matches([' ', '\t']);
                if trimmed.starts_with(['\n', '\r']) {
                    self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
                } else {
                    self.escape(&mut out)?;
                }
                continue;
            }
            out.push(character);
        }
    }
}
