//! Comments, and which token each will be told with: before it (head), beside it (line), after it (foot).

use std::borrow::Cow;

use super::{Lexeme, Mark, Scanner, chars};

/// How far ahead of a token a comment is looked for.
const REACH: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Head,
    Line,
    Foot,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment<'a> {
    /// Where the search that found it began.
    pub scan: Mark,
    /// It is told with the first token from here on.
    pub token: Mark,
    /// Its first character; the column counts from 1.
    pub start: Mark,
    pub end: Mark,
    pub place: Place,
    pub text: Cow<'a, str>,
}

impl<'a> Scanner<'a> {
    /// A comment on the line of the token just fetched.
    pub(super) fn scan_line_comment(&mut self, token_mark: Mark) {
        if self.newlines > 0 {
            return;
        }
        let mut blanks = 0;
        while blanks < REACH && matches!(self.byte(blanks), b' ' | b'\t') {
            blanks += 1;
        }
        if blanks == REACH || self.byte(blanks) != b'#' {
            return;
        }
        self.skip_blanks();
        let start = self.mark;
        self.skip_to_break();
        self.comments.push_back(Comment {
            scan: Mark::default(),
            token: token_mark,
            start,
            end: Mark::default(),
            place: Place::Line,
            text: self.slice(start.index, self.mark.index).into(),
        });
    }

    /// A line comment under the first dash of a sequence heads what follows it.
    pub(super) fn move_entry_comment(&mut self) {
        if self.comments.is_empty() {
            return;
        }
        let at_break = self.at_break();
        let Some(comment) = self.comments.back_mut() else { return };
        let count = self.tokens.len();
        if count < 2
            || !matches!(self.tokens[count - 2].lexeme, Lexeme::BlockSequenceStart)
            || !matches!(self.tokens[count - 1].lexeme, Lexeme::BlockEntry)
            || comment.place != Place::Line
            || at_break
        {
            return;
        }
        comment.place = Place::Head;
        if comment.start.line + 1 == self.mark.line {
            comment.token = self.mark;
        }
    }

    /// The comments between two tokens, from a `#` on. Empty lines and indentation part them into
    /// feet of what came before and heads of what follows.
    pub(super) fn scan_comments(&mut self, scan_mark: Mark) {
        let mut search = Search::begin(self, scan_mark);
        let mut ahead = 0;
        while ahead < REACH {
            let rest = self.bytes.get(self.mark.index as usize + ahead..).unwrap_or_default();
            let byte = rest.first().copied().unwrap_or(0);
            search.column += 1;
            if byte == b' ' || byte == b'\t' {
                ahead += 1;
                continue;
            }
            let here =
                Mark { index: self.mark.index + ahead as u32, line: search.line, column: search.column };
            let closes_flow = self.flow_level > 0 && (byte == b']' || byte == b'}');
            let is_break = chars::break_width(rest) > 0;
            if closes_flow || is_break || byte == 0 {
                if closes_flow || !search.recent_empty {
                    if closes_flow || search.is_foot() {
                        if search.start_column() < search.indent {
                            search.token = search.start;
                        }
                        search.end_foot(self, here);
                    } else if !search.text.is_empty() && byte != 0 {
                        search.text.to_mut().push('\n');
                    }
                }
                if !is_break {
                    break;
                }
                search.first_empty = false;
                search.recent_empty = true;
                search.column = 0;
                search.line += 1;
                ahead += 1;
                continue;
            }
            if i64::from(search.column) - 1 < search.indent && search.column != search.start.column {
                search.end_foot(self, here);
            }
            if byte != b'#' {
                break;
            }
            if search.text.is_empty() {
                search.start = here;
            } else {
                search.text.to_mut().push('\n');
            }
            search.recent_empty = false;
            self.read_comment_line(here.index, &mut search.text);
            // The line break is looked at as belonging to the comment: the next line begins one further.
            ahead = 1;
            search.column = 0;
            search.line = self.mark.line;
            search.indent = i64::from(self.indent.max(0));
        }
        if !search.text.is_empty() {
            let end = Mark {
                index: (self.mark.index + ahead as u32).saturating_sub(1),
                line: search.line,
                column: search.column,
            };
            self.comments.push_back(Comment {
                scan: search.scan,
                token: search.start,
                start: search.start,
                end,
                place: Place::Head,
                text: search.text,
            });
        }
    }

    /// Reads on to the comment that begins at `from`, and the comment to the end of its line.
    fn read_comment_line(&mut self, from: u32, text: &mut Cow<'a, str>) {
        while self.mark.index < from {
            if self.at_breakz() {
                self.skip_line();
            } else {
                self.skip();
            }
        }
        self.skip_to_break();
        let line = self.slice(from, self.mark.index);
        if text.is_empty() {
            *text = line.into();
        } else {
            text.to_mut().push_str(line);
        }
    }
}

/// Where a search for comments stands.
struct Search<'a> {
    scan: Mark,
    token: Mark,
    /// The token before is a mapping's `:`.
    after_value: bool,
    start: Mark,
    text: Cow<'a, str>,
    indent: i64,
    recent_empty: bool,
    first_empty: bool,
    line: u32,
    column: u32,
    /// The line on which a comment would be a foot of the token before it.
    foot_line: i64,
}

impl<'a> Search<'a> {
    fn begin(scanner: &Scanner<'a>, scan: Mark) -> Self {
        let count = scanner.tokens.len();
        let mut before = scanner.tokens.back();
        if count > 1 && before.is_some_and(|token| matches!(token.lexeme, Lexeme::FlowEntry)) {
            before = scanner.tokens.get(count - 2);
        }
        let foot_line = if scan.line > 0 {
            let beside = scanner.newlines == 0 && scanner.mark.column > 1;
            i64::from(scanner.mark.line) - i64::from(scanner.newlines) + 1 + i64::from(beside)
        } else {
            -1
        };
        Search {
            scan,
            token: before.map_or(scan, |token| token.start),
            after_value: before.is_some_and(|token| matches!(token.lexeme, Lexeme::Value)),
            start: Mark::default(),
            text: Cow::Borrowed(""),
            indent: i64::from(scanner.indent.max(0)),
            recent_empty: false,
            first_empty: scanner.newlines <= 1,
            line: scanner.mark.line,
            column: scanner.mark.column,
            foot_line,
        }
    }

    fn start_column(&self) -> i64 {
        i64::from(self.start.column) - 1
    }

    fn is_foot(&self) -> bool {
        self.first_empty
            && (i64::from(self.start.line) == self.foot_line && !self.after_value
                || self.start_column() < self.indent)
    }

    fn end_foot(&mut self, scanner: &mut Scanner<'a>, here: Mark) {
        if self.text.is_empty() {
            return;
        }
        scanner.comments.push_back(Comment {
            scan: self.scan,
            token: self.token,
            start: self.start,
            end: here,
            place: Place::Foot,
            text: std::mem::take(&mut self.text),
        });
        self.scan = here;
        self.token = here;
    }
}
