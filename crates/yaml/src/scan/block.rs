//! Block scalars: literal and folded.

use std::borrow::Cow;

use super::{Lexeme, Mark, Scan, Scanner};
use crate::node::Style;

/// The text of a block scalar, or nothing where nobody looks at it.
struct BlockText {
    kept: String,
    is_skipped: bool,
}

impl BlockText {
    fn push(&mut self, text: &str) {
        if !self.is_skipped {
            self.kept.push_str(text);
        }
    }
}

impl<'a> Scanner<'a> {
    pub fn scan_block_scalar(&mut self, style: Style) -> Scan<Lexeme<'a>> {
        let start = self.mark;
        self.skip_ascii(1);
        let (chomping, increment) = self.scan_block_header(start)?;
        self.skip_blanks();
        if self.byte(0) == b'#' {
            if self.dialect == crate::error::Dialect::V3 {
                self.scan_line_comment(start);
            }
            self.skip_to_break();
        }
        if !self.at_breakz() {
            return self.failure(start, "did not find expected comment or line break");
        }
        self.skip_line();
        let mut indent = if increment > 0 { self.indent.max(0) as u32 + increment } else { 0 };
        let mut text = BlockText { kept: String::new(), is_skipped: self.skips_block_text };
        let mut leading_break = String::new();
        let mut breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        let mut leading_blank = false;
        let mut end = self.mark.index;
        while self.mark.column == indent && !self.at_end() {
            if style == Style::Literal && breaks.is_empty() && matches!(leading_break.as_str(), "" | "\n") {
                self.ordinary_lines(indent as usize, &mut text, &mut leading_break);
            }
            let blank = matches!(self.byte(0), b' ' | b'\t');
            if style == Style::Folded && !leading_blank && !blank && leading_break.starts_with('\n') {
                if breaks.is_empty() {
                    text.push(" ");
                }
            } else {
                text.push(&leading_break);
            }
            leading_break.clear();
            text.push(&breaks);
            breaks.clear();
            leading_blank = blank;
            let from = self.mark.index;
            self.skip_to_break();
            text.push(self.slice(from, self.mark.index));
            self.read_line(&mut leading_break);
            end = self.mark.index;
            self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        }
        self.record_span(start, end);
        if chomping != Chomping::Strip {
            text.push(&leading_break);
        }
        if chomping == Chomping::Keep {
            text.push(&breaks);
        }
        Ok(Lexeme::Scalar { value: Cow::Owned(text.kept), style })
    }

    /// The usual lines of a literal text, all but the last: ASCII, and followed by one of the same indentation.
    fn ordinary_lines(&mut self, indent: usize, text: &mut BlockText, leading_break: &mut String) {
        loop {
            let begin = self.mark.index as usize;
            let rest = self.rest();
            let Some(length) = memchr::memchr2(b'\n', b'\r', rest).filter(|at| rest[*at] == b'\n') else {
                return;
            };
            let (line, next) = (&rest[..length], &rest[length + 1..]);
            let goes_on = next.get(..indent).is_some_and(|blanks| blanks.iter().all(|byte| *byte == b' '))
                && next.get(indent).is_some_and(|byte| !matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2));
            if !goes_on || !line.is_ascii() || line.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                return;
            }
            if leading_break.is_empty() {
                leading_break.push('\n');
            } else {
                text.push("\n");
            }
            text.push(self.slice(begin as u32, (begin + length) as u32));
            self.mark.index += (length + 1 + indent) as u32;
            self.mark.line += 1;
            self.newlines = 1;
        }
    }

    /// The `+`, `-` and digit after `|` or `>`, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Scan<(Chomping, u32)> {
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        for _ in 0..2 {
            match self.byte(0) {
                b'+' | b'-' if chomping == Chomping::Clip => {
                    chomping = if self.byte(0) == b'+' { Chomping::Keep } else { Chomping::Strip };
                    self.skip_ascii(1);
                }
                b'0' if increment == 0 => {
                    return self.failure(start, "found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = u32::from(digit - b'0');
                    self.skip_ascii(1);
                }
                _ => break,
            }
        }
        Ok((chomping, increment))
    }

    /// Indentation and empty lines; finds the indentation when it is not known yet (0).
    fn scan_block_breaks(&mut self, indent: &mut u32, breaks: &mut String, start: Mark) -> Scan<()> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b' ' {
                self.mark.index += 1;
                self.mark.column += 1;
            }
            deepest = deepest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b'\t' {
                return self.failure(start, "found a tab character where an indentation space is expected");
            }
            if !self.at_break() {
                break;
            }
            self.read_line(breaks);
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1).max(1) as u32);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Clip,
    Strip,
    Keep,
}
