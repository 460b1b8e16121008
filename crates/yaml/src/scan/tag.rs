//! Directives, tags, anchors and aliases.

use std::borrow::Cow;

use super::{Lexeme, Mark, Scan, Scanner, chars};

impl<'a> Scanner<'a> {
    pub(super) fn scan_anchor(&mut self, alias: bool) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.scan_alpha();
        let ends = self.at_blankz(0)
            || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.failure(start, "did not find expected alphabetic or numeric character");
        }
        Ok(if alias { Lexeme::Alias(name) } else { Lexeme::Anchor(name) })
    }

    fn scan_alpha(&mut self) -> &'a str {
        let from = self.mark.index;
        let count = self.rest().iter().take_while(|byte| chars::is_alpha(**byte)).count() as u32;
        if count > 0 {
            self.skip_ascii(count);
        }
        self.slice(from, self.mark.index)
    }

    pub(super) fn scan_tag(&mut self) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip_ascii(2);
            let suffix = self.scan_uri("", start)?;
            if self.byte(0) != b'>' {
                return self.failure(start, "did not find the expected '>'");
            }
            self.skip_ascii(1);
            (Cow::Borrowed(""), suffix)
        } else {
            let handle = self.scan_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                (Cow::Borrowed(handle), self.scan_uri("", start)?)
            } else {
                let suffix = self.scan_uri(handle, start)?;
                // A lone `!` is the suffix without a handle.
                if suffix.is_empty() { (suffix, Cow::Borrowed("!")) } else { (Cow::Borrowed("!"), suffix) }
            }
        };
        if !self.at_blankz(0) {
            return self.failure(start, "did not find expected whitespace or line break");
        }
        Ok(Lexeme::Tag(Box::new((handle, suffix))))
    }

    fn scan_handle(&mut self, directive: bool, start: Mark) -> Scan<&'a str> {
        if self.byte(0) != b'!' {
            return self.failure(start, "did not find expected '!'");
        }
        let from = self.mark.index;
        self.skip_ascii(1);
        self.scan_alpha();
        if self.byte(0) == b'!' {
            self.skip_ascii(1);
        } else if directive && self.mark.index > from + 1 {
            return self.failure(start, "did not find expected '!'");
        }
        Ok(self.slice(from, self.mark.index))
    }

    /// The URI of a tag; `head` is what a handle without a closing `!` was taken for.
    fn scan_uri(&mut self, head: &'a str, start: Mark) -> Scan<Cow<'a, str>> {
        let mut found = !head.is_empty();
        let mut bytes = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        loop {
            let byte = self.byte(0);
            if byte == b'%' {
                self.scan_uri_escapes(start, &mut bytes)?;
            } else if chars::is_alpha(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) {
                bytes.push(byte);
                self.skip_ascii(1);
            } else {
                break;
            }
            found = true;
        }
        if !found {
            return self.failure(start, "did not find expected tag URI");
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    /// One character as `%XX`, once for each of its bytes.
    fn scan_uri_escapes(&mut self, start: Mark, out: &mut Vec<u8>) -> Scan<()> {
        let mut left = 0;
        loop {
            let digits = [self.byte(1), self.byte(2)].map(|byte| (byte as char).to_digit(16));
            let (b'%', [Some(high), Some(low)]) = (self.byte(0), digits) else {
                return self.failure(start, "did not find URI escaped octet");
            };
            let octet = (high << 4 | low) as u8;
            if left == 0 {
                left = match octet {
                    0x00..=0x7F => 1,
                    0xC0..=0xDF => 2,
                    0xE0..=0xEF => 3,
                    0xF0..=0xF7 => 4,
                    _ => return self.failure(start, "found an incorrect leading UTF-8 octet"),
                };
            } else if octet & 0xC0 != 0x80 {
                return self.failure(start, "found an incorrect trailing UTF-8 octet");
            }
            out.push(octet);
            self.skip_ascii(3);
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }

    pub(super) fn scan_directive(&mut self) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.scan_alpha();
        if name.is_empty() {
            return self.failure(start, "could not find expected directive name");
        }
        if !self.at_blankz(0) {
            return self.failure(start, "found unexpected non-alphabetical character");
        }
        let lexeme = match name {
            "YAML" => {
                self.skip_blanks();
                let major = self.scan_version_number(start)?;
                if self.byte(0) != b'.' {
                    return self.failure(start, "did not find expected digit or '.' character");
                }
                self.skip_ascii(1);
                let minor = self.scan_version_number(start)?;
                Lexeme::VersionDirective { major, minor }
            }
            "TAG" => {
                self.skip_blanks();
                let handle = self.scan_handle(true, start)?;
                if !matches!(self.byte(0), b' ' | b'\t') {
                    return self.failure(start, "did not find expected whitespace");
                }
                self.skip_blanks();
                let prefix = self.scan_uri("", start)?;
                if !self.at_blankz(0) {
                    return self.failure(start, "did not find expected whitespace or line break");
                }
                Lexeme::TagDirective(Box::new((handle, prefix)))
            }
            _ => return self.failure(start, "found unknown directive name"),
        };
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.skip_to_break();
        }
        if !self.at_breakz() {
            return self.failure(start, "did not find expected comment or line break");
        }
        self.skip_line();
        Ok(lexeme)
    }

    fn scan_version_number(&mut self, start: Mark) -> Scan<u8> {
        let mut value = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.failure(start, "found extremely long version number");
            }
            value = value * 10 + (self.byte(0) - b'0');
            self.skip_ascii(1);
        }
        if length == 0 {
            return self.failure(start, "did not find expected version number");
        }
        Ok(value)
    }
}
