//! Which styles a scalar's text allows.

use crate::node::Style;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Analysis {
    pub multiline: bool,
    pub flow_plain: bool,
    pub block_plain: bool,
    pub single_quoted: bool,
    pub block: bool,
}

/// `tabs_are_special`: as v2 has it, a tab rules out literal style too.
pub(crate) fn analyze(text: &str, tabs_are_special: bool) -> Analysis {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Analysis {
            multiline: false,
            flow_plain: false,
            block_plain: true,
            single_quoted: true,
            block: false,
        };
    }
    let mut block_indicators = bytes.starts_with(b"---") || bytes.starts_with(b"...");
    let mut flow_indicators = block_indicators;
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut leading, mut trailing_space, mut trailing_break) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded_by_whitespace = true;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let width = width(byte);
        let followed_by_whitespace = matches!(bytes.get(at + width), None | Some(b' ' | b'\t'));
        match byte {
            b'#' if at == 0 || preceded_by_whitespace => {
                flow_indicators = true;
                block_indicators = true;
            }
            b',' | b'[' | b']' | b'{' | b'}' => {
                flow_indicators = true;
                block_indicators |= at == 0;
            }
            b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' if at == 0 => {
                flow_indicators = true;
                block_indicators = true;
            }
            b'?' => {
                flow_indicators = true;
                block_indicators |= at == 0 && followed_by_whitespace;
            }
            b':' => {
                flow_indicators = true;
                block_indicators |= followed_by_whitespace;
            }
            b'-' if at == 0 && followed_by_whitespace => {
                flow_indicators = true;
                block_indicators = true;
            }
            _ => {}
        }
        let break_here = is_break(&bytes[at..]);
        if byte == b'\t' && !tabs_are_special {
            tabs = true;
        } else if !is_printable(&bytes[at..]) {
            special = true;
        }
        let last = at + width >= bytes.len();
        if byte == b' ' {
            leading |= at == 0;
            trailing_space |= last;
            break_space |= previous_break;
            previous_space = true;
            previous_break = false;
        } else if break_here {
            line_breaks = true;
            leading |= at == 0;
            trailing_break |= last;
            space_break |= previous_space;
            previous_space = false;
            previous_break = true;
        } else {
            previous_space = false;
            previous_break = false;
        }
        preceded_by_whitespace = byte == b' ' || byte == b'\t' || byte == 0 || break_here;
        at += width;
    }
    let quoted_only = break_space || space_break || tabs || special;
    let no_plain = leading || trailing_space || trailing_break || quoted_only || line_breaks;
    Analysis {
        multiline: line_breaks,
        flow_plain: !no_plain && !flow_indicators,
        block_plain: !no_plain && !block_indicators,
        single_quoted: !quoted_only,
        block: !trailing_space && !space_break && !special,
    }
}

impl Analysis {
    /// The style wanted, or the nearest one that can hold the text.
    pub fn select_style(&self, wanted: Style, empty: bool, in_flow: bool, simple_key: bool) -> Style {
        let mut style = match wanted {
            Style::Flow => Style::Default,
            style => style,
        };
        if simple_key && self.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Default {
            let allowed = if in_flow { self.flow_plain } else { self.block_plain };
            if !allowed || empty && (in_flow || simple_key) {
                style = Style::SingleQuoted;
            }
        }
        if style == Style::SingleQuoted && !self.single_quoted {
            style = Style::DoubleQuoted;
        }
        if matches!(style, Style::Literal | Style::Folded) && (!self.block || in_flow || simple_key) {
            style = Style::DoubleQuoted;
        }
        style
    }
}

pub(super) fn width(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    }
}

pub(super) fn is_break(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\n' | b'\r', ..] | [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..])
}

/// libyaml's notion, which knows no characters beyond the basic plane.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    match bytes {
        [0x0A | 0x20..=0x7E, ..] => true,
        [0xC2, second, ..] => *second >= 0xA0,
        [0xC3..=0xEC, ..] => true,
        [0xED, second, ..] => *second < 0xA0,
        [0xEE, ..] => true,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => false,
        [0xEF, ..] => true,
        _ => false,
    }
}
