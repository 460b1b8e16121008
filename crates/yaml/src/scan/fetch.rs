//! One token after the other: indicators, indentation, simple keys.

use super::{Lexeme, Mark, Scan, Scanner, SimpleKey};
use crate::error::Dialect;
use crate::node::Style;

/// A simple key must end within this many characters.
const SIMPLE_KEY_REACH: u32 = 1024;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_next(&mut self) -> Scan<()> {
        if !self.started {
            self.started = true;
            self.push(Lexeme::StreamStart, self.mark);
            return Ok(());
        }
        let scan_mark = self.mark;
        self.skip_to_token(scan_mark)?;
        self.unroll_indent(self.mark.column as i32, scan_mark);
        if self.at_end() {
            return self.fetch_stream_end();
        }
        let byte = self.byte(0);
        if self.mark.column == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if self.at_document_indicator() {
                let lexeme = if byte == b'-' { Lexeme::DocumentStart } else { Lexeme::DocumentEnd };
                return self.fetch_document_indicator(lexeme);
            }
        }
        let mut comment_mark = self.mark;
        if (self.flow_level == 0 && byte == b':' || self.flow_level > 0 && byte == b',')
            && let Some(last) = self.tokens.back()
        {
            comment_mark = last.start;
        }
        self.fetch_content(byte)?;
        if self.dialect == Dialect::V3
            && !self.tokens.back().is_some_and(|token| matches!(token.lexeme, Lexeme::BlockEntry))
        {
            // An entry's dash has no line comment: what stands there heads what follows.
            self.scan_line_comment(comment_mark);
        }
        Ok(())
    }

    fn fetch_content(&mut self, byte: u8) -> Scan<()> {
        let flow = self.flow_level > 0;
        match byte {
            b'[' => self.fetch_flow_start(Lexeme::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Lexeme::FlowMappingStart),
            b']' => self.fetch_flow_end(Lexeme::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Lexeme::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.at_blankz(1) => self.fetch_block_entry(),
            b'?' if flow || self.at_blankz(1) => self.fetch_key(),
            b':' if flow || self.at_blankz(1) => self.fetch_value(),
            b'*' => self.fetch_keyable(|scanner| scanner.scan_anchor(true)),
            b'&' => self.fetch_keyable(|scanner| scanner.scan_anchor(false)),
            b'!' => self.fetch_keyable(Scanner::scan_tag),
            b'|' if !flow => self.fetch_block_scalar(Style::Literal),
            b'>' if !flow => self.fetch_block_scalar(Style::Folded),
            b'\'' => self.fetch_keyable(|scanner| scanner.scan_quoted(Style::SingleQuoted)),
            b'"' => self.fetch_keyable(|scanner| scanner.scan_quoted(Style::DoubleQuoted)),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => self.no_token(),
            b'?' | b':' if flow => self.no_token(),
            _ => self.fetch_keyable(Scanner::scan_plain),
        }
    }

    fn no_token(&self) -> Scan<()> {
        self.failure(self.mark, "found character that cannot start any token")
    }

    // Simple keys.

    pub(super) fn simple_key_is_valid(&mut self, at: usize) -> Scan<bool> {
        let Some(&key) = self.simple_keys.get(at).filter(|key| key.possible) else { return Ok(false) };
        if key.mark.line < self.mark.line || self.too_far(key.mark) {
            if key.required {
                return self.failure(key.mark, "could not find expected ':'");
            }
            self.simple_keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn too_far(&self, mark: Mark) -> bool {
        // Bytes first: characters are counted only where it matters.
        self.mark.index > mark.index + SIMPLE_KEY_REACH
            && self.slice(mark.index, self.mark.index).chars().count() as u32 > SIMPLE_KEY_REACH
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        let required = self.flow_level == 0 && self.indent == self.mark.column as i32;
        if self.simple_key_allowed {
            self.remove_simple_key()?;
            let key = SimpleKey { possible: true, required, token: self.next_number(), mark: self.mark };
            *self.top_key() = key;
            self.awaited.push_back((key.token, self.simple_keys.len() - 1));
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let key = *self.top_key();
        if key.possible {
            if key.required {
                return self.failure(key.mark, "could not find expected ':'");
            }
            self.top_key().possible = false;
            self.forget(key.token);
        }
        Ok(())
    }

    /// No token waits for the key at this number any more.
    fn forget(&mut self, token: usize) {
        if let Some(at) = self.awaited.iter().rposition(|(number, _)| *number == token) {
            self.awaited.remove(at);
        }
    }

    fn top_key(&mut self) -> &mut SimpleKey {
        self.simple_keys.last_mut().expect("one key a flow level, and one for the block level")
    }

    // Indentation.

    /// Opens a block collection when the column is deeper than the current one. `number` is the token it goes before.
    fn roll_indent(
        &mut self,
        column: u32,
        number: Option<usize>,
        lexeme: Lexeme<'a>,
        mark: Mark,
    ) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column as i32 {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column as i32;
        if self.indents.len() > self.depth_limit as usize {
            let key = *self.top_key();
            return self.failure(key.mark, format!("exceeded max depth of {}", self.depth_limit));
        }
        let number = number.unwrap_or_else(|| self.next_number());
        self.insert(number, lexeme, mark);
        Ok(())
    }

    /// Closes the block collections that are deeper than the column.
    pub(super) fn unroll_indent(&mut self, column: i32, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        // v3 ends a block before the comments that follow it, unless they stand in the block's own column.
        let mut end = if self.dialect == Dialect::V3 { scan_mark } else { self.mark };
        let mut end_index = i64::from(end.index) - i64::from(self.dialect == Dialect::V3);
        while self.indent > column {
            let mut stop = end_index;
            for comment in self.comments.iter().rev() {
                if i64::from(comment.end.index) < stop {
                    break;
                }
                if i64::from(comment.start.column) == i64::from(self.indent) + 1 {
                    end = comment.start;
                    end_index = i64::from(end.index);
                }
                stop = i64::from(comment.scan.index);
            }
            let mark = Mark { index: end_index.max(0) as u32, ..end };
            self.tokens.push_back(super::Token { lexeme: Lexeme::BlockEnd, start: mark });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // The tokens.

    fn fetch_stream_end(&mut self) -> Scan<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(Lexeme::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let lexeme = self.scan_directive()?;
        self.push(lexeme, start);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, lexeme: Lexeme<'a>) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(3);
        self.push(lexeme, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, lexeme: Lexeme<'a>) -> Scan<()> {
        self.save_simple_key()?;
        let key = SimpleKey { possible: false, required: false, token: self.next_number(), mark: self.mark };
        self.simple_keys.push(key);
        self.flow_level += 1;
        if self.flow_level > self.depth_limit {
            return self.failure(key.mark, format!("exceeded max depth of {}", self.depth_limit));
        }
        self.simple_key_allowed = true;
        self.push_indicator(lexeme);
        Ok(())
    }

    fn push_indicator(&mut self, lexeme: Lexeme<'a>) {
        let start = self.mark;
        self.skip_ascii(1);
        self.push(lexeme, start);
    }

    fn fetch_flow_end(&mut self, lexeme: Lexeme<'a>) -> Scan<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            // For an empty collection this is the number of its own opening bracket.
            if let Some(inner) = self.simple_keys.pop() {
                self.forget(inner.token);
            }
        }
        self.simple_key_allowed = false;
        self.push_indicator(lexeme);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Lexeme::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.failure(self.mark, "block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, Lexeme::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Lexeme::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.failure(self.mark, "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, Lexeme::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(Lexeme::Key { explicit: true });
        Ok(())
    }

    fn fetch_value(&mut self) -> Scan<()> {
        let top = self.simple_keys.len() - 1;
        if self.simple_key_is_valid(top)? {
            let key = self.simple_keys[top];
            self.insert(key.token, Lexeme::Key { explicit: false }, key.mark);
            self.roll_indent(key.mark.column, Some(key.token), Lexeme::BlockMappingStart, key.mark)?;
            self.simple_keys[top].possible = false;
            self.forget(key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.failure(self.mark, "mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark.column, None, Lexeme::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(Lexeme::Value);
        Ok(())
    }

    /// A token that may be, or begin, a simple key; none may follow it directly.
    fn fetch_keyable(&mut self, scan: impl FnOnce(&mut Self) -> Scan<Lexeme<'a>>) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let lexeme = scan(self)?;
        self.tokens.push_back(super::Token { lexeme, start });
        Ok(())
    }

    fn fetch_block_scalar(&mut self, style: Style) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        let lexeme = self.scan_block_scalar(style)?;
        self.tokens.push_back(super::Token { lexeme, start });
        Ok(())
    }

    /// Over blanks, comments and line breaks. Tabs count as blanks only where no key may begin.
    fn skip_to_token(&mut self, scan_mark: Mark) -> Scan<()> {
        loop {
            loop {
                match self.byte(0) {
                    b' ' => {}
                    b'\t' if self.flow_level > 0 || !self.simple_key_allowed => {}
                    _ => break,
                }
                self.mark.index += 1;
                self.mark.column += 1;
            }
            if self.dialect == Dialect::V3 {
                self.move_entry_comment();
            }
            if self.byte(0) == b'#' {
                if self.dialect == Dialect::V3 {
                    self.scan_comments(scan_mark);
                } else {
                    self.skip_to_break();
                }
            }
            if !self.at_break() {
                return Ok(());
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }
}
